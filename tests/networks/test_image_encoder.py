import pytest
import torch

from understudy.networks.image_encoder import ImageEncoder, colour_jitter, image_pair, to_float, with_coordinates


def test_coordinates_run_from_minus_one_to_one():
    grid = with_coordinates(torch.zeros(1, 1, 3, 5))[0, 1:]
    assert grid[0, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert grid[1, :, 0].tolist() == [-1, 0, 1]


def test_maps_keep_the_place_and_the_condition_counts():
    torch.manual_seed(0)
    encoder = ImageEncoder(3, 32, condition=4, stages=((8, 4), (16, 2)))
    image = torch.zeros(1, 3, 32, 32)
    image[:, :, 4:8, 20:24] = 1
    condition = torch.randn(1, 4)
    features = encoder(image, condition)
    assert features.shape == (1, 16, 4, 4)
    assert features.numel() == encoder.size
    for layer in encoder.layers:
        torch.nn.init.normal_(layer.film.weight)
    assert not torch.allclose(encoder(image, condition), encoder(image, -condition))


def test_pixels_become_minus_one_to_one_with_channels_first():
    image = torch.zeros(2, 4, 4, 3, dtype=torch.uint8)
    image[0, 1, 2, 0] = 255
    found = to_float(image)
    assert found.shape == (2, 3, 4, 4)
    assert found[0, 0, 1, 2] == 1
    assert found[1].eq(-1).all()


def test_a_pair_that_does_not_change_differs_by_nothing():
    images = torch.randint(0, 255, (1, 1, 8, 8, 3), dtype=torch.uint8).repeat(1, 2, 1, 1, 1)
    pair = image_pair(images)
    assert torch.equal(pair[:, :3], to_float(images[:, 1]))
    assert pair[:, 3:].eq(0).all()


def test_jitter_changes_colours_of_a_sample_alike_and_no_place():
    images = torch.full((3, 2, 4, 4, 3), 100, dtype=torch.uint8)
    found = colour_jitter(images, 0.2, torch.Generator().manual_seed(0)).float()
    assert found.std(dim=(1, 2, 3)).max() == 0
    assert len(found[:, 0, 0, 0].unique(dim=0)) == 3
    assert found.min() >= 100 * 0.8 - 255 * 0.1 - 1
    assert found.max() <= 100 * 1.2 + 255 * 0.1 + 1
    assert torch.equal(colour_jitter(images, 0.0, torch.Generator().manual_seed(0)), images)


def test_same_generator_same_colours():
    images = torch.randint(0, 255, (2, 4, 4, 3), dtype=torch.uint8)
    first, second = (colour_jitter(images, 0.1, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    other = colour_jitter(images, 0.1, torch.Generator().manual_seed(6))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(first, other)
