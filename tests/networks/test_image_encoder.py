import torch

from understudy.networks.image_encoder import ColourJitter, ImageEncoder, coordinates, random_colours, to_float


def test_coordinates_run_from_minus_one_to_one():
    u, v = coordinates(5, torch.zeros(1))[0]
    assert u[0].tolist() == v[:, 0].tolist() == [-1, -0.5, 0, 0.5, 1]


def test_a_reference_is_a_difference_and_the_condition_counts():
    torch.manual_seed(0)
    encoder = ImageEncoder(32, condition=4, stages=((8, 4), (16, 2)))
    images, reference, condition = torch.randn(6, 3, 32, 32), torch.randn(2, 3, 32, 32), torch.randn(6, 4)
    fine, coarse = encoder(images, reference, condition)
    assert fine.shape == (6, 8, 8, 8)
    assert coarse.shape == (6, 16, 4, 4)
    assert coarse[0].numel() == encoder.size
    # Three images belong to each reference, and the same result comes from one convolution of [x, x - r].
    first, joint = encoder.layers[0], torch.nn.Conv2d(8, 8, 7, 4, 3)
    difference = encoder.reference.weight
    w = first.conv.weight.clone()
    w[:, :3] -= difference
    joint.load_state_dict({"weight": torch.cat([w, difference], dim=1), "bias": first.conv.bias})
    places = coordinates(32, images).expand(6, -1, -1, -1)
    stacked = torch.cat([images, places, images - reference.repeat_interleave(3, 0)], dim=1)
    assert torch.allclose(torch.relu(first.norm(joint(stacked))), fine, atol=1e-4)
    for layer in encoder.layers:
        torch.nn.init.normal_(layer.film.weight)
    assert not torch.allclose(encoder(images, reference, condition)[1], encoder(images, reference, -condition)[1])


def test_pixels_become_minus_one_to_one_with_channels_first():
    image = torch.zeros(2, 4, 4, 3, dtype=torch.uint8)
    image[0, 1, 2, 0] = 255
    found = to_float(image)
    assert found.shape == (2, 3, 4, 4)
    assert found[0, 0, 1, 2] == 1
    assert found[1].eq(-1).all()


def test_colours_of_a_sample_change_alike_and_no_place_moves():
    images = torch.full((3, 2, 4, 4, 3), 100, dtype=torch.uint8)
    found = to_float(images, random_colours(3, ColourJitter(0.2), torch.Generator().manual_seed(0)))
    assert found.std(dim=(1, 3, 4)).max() < 1e-6
    assert len(found[:, 0, :, 0, 0].unique(dim=0)) == 3
    plain = to_float(images)
    assert (found - plain).abs().max() < 0.2 * (1 + 100 / 127.5) + 1e-6
    assert torch.allclose(
        to_float(images, random_colours(3, ColourJitter(0.0), torch.Generator().manual_seed(0))), plain
    )


def test_gains_leave_black_alone():
    colours = random_colours(1000, ColourJitter(0.2, 1.0), torch.Generator().manual_seed(0))
    black = to_float(torch.zeros(1000, 1, 1, 3, dtype=torch.uint8), colours)[..., 0, 0]
    assert (black.std(dim=1) < 1e-6).all()


def test_same_generator_same_colours():
    first, second, other = (random_colours(2, ColourJitter(0.1), torch.Generator().manual_seed(s)) for s in (5, 5, 6))
    assert torch.equal(first.matrix, second.matrix)
    assert not torch.equal(first.matrix, other.matrix)


def test_hues_turn_about_grey_by_the_angle_that_is_asked_for():
    images = torch.tensor([[200, 40, 40], [90, 90, 90]], dtype=torch.uint8).view(1, 1, 2, 3).expand(200, 2, 2, 2, 3)
    colours = random_colours(200, ColourJitter(0.0, 2.0), torch.Generator().manual_seed(0))
    found = to_float(images, colours)[:, 1, :, 0]
    plain = to_float(images)[:, 1, :, 0]
    assert torch.allclose(found[..., 1], plain[..., 1], atol=1e-5), "grey stays"
    mean = plain[0, :, 0].mean()
    assert torch.allclose(found[:, :, 0].mean(1), mean.expand(200), atol=1e-5), "a turn keeps the mean of the channels"
    red, turned = plain[:, :, 0] - mean, found[:, :, 0] - mean
    angles = torch.nn.functional.cosine_similarity(red, turned).clamp(-1, 1).acos()
    assert torch.allclose(turned.norm(dim=1), red.norm(dim=1), atol=1e-5)
    assert 1.9 < angles.max() <= 2.0
    assert turned[:, 1].sub(turned[:, 2]).sign().unique().tolist() == [-1, 1], "towards green and towards blue"
    kept = colours.only(torch.tensor([[0.0], [1.0]]).repeat(100, 1))
    assert torch.allclose(to_float(images, kept)[::2], to_float(images)[::2], atol=1e-5)
    assert torch.equal(to_float(images, kept)[1::2], to_float(images, colours)[1::2])
