"""Figures of attention show the numbers of the records, on one scale, and can be read on a page."""

import pytest
import torch
from matplotlib.figure import Figure

from cogito_pl.difficulty.attention_records import AttentionRecord
from cogito_pl.policy import without_sinks
from cogito_pl.report import attention
from tests.conftest import problem

LAYERS, HEADS, TOKENS = 5, 3, 8
ONE, TWO = problem("How many?", (84, 56), seed=1), problem("<image>A or <image>B?", (56, 84), (84, 56), seed=2)
GRIDS = {1: ((2, 3),), 2: ((3, 2), (2, 3))}


def record(of=ONE, seed=0, correct=True, tokens=TOKENS, **fields):
    """A record with random attention, of a prompt with a sink, two words and the image tokens, in that order."""
    generator = torch.Generator().manual_seed(seed)
    images = len(of.images)
    sets = torch.tensor([0, 1, 4, *(6 + place for place in range(images) for _ in range(6))])
    rows = torch.rand(LAYERS, HEADS, tokens, len(sets) + 1, generator=generator).softmax(-1)  # one column of response
    members = torch.nn.functional.one_hot(torch.cat([sets, torch.tensor([5])]), 6 + images).float()
    sums = rows.mean(1) @ members
    given = {
        "id": of.id,
        "problem": of,
        "correct": correct,
        "response": torch.arange(tokens),
        "tokens": tuple(f" t{place}" for place in range(tokens)),
        "sums": sums,
        "relative": without_sinks(sums),
        "sizes": members.sum(0).long(),
        "maps": rows.mean((1, 2))[:, :-1],
        "heads": rows.mean(2) @ members,
        "of": sets,
        "sinks": sets == 0,
        "grids": GRIDS[images],
    }
    return AttentionRecord(**(given | fields))


def drawn(draw, *args, **options):
    figure = Figure()
    draw(figure, *args, **options)
    figure.canvas.draw()
    return figure


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def bars(figure):
    return [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]


@pytest.mark.parametrize("of", [ONE, TWO], ids=["one image", "two images"])
@pytest.mark.parametrize("relative", [False, True])
def test_overlays_stand_beside_their_images_on_one_scale_with_one_bar(of, relative):
    records = {"all tokens": record(of), "“a1”": record(of, seed=1), "“b2”": record(of, seed=2)}
    figure = drawn(attention.draw_overlays, records, relative=relative, alpha=0.4, top=1.0, width_mm=120)
    first, *others = panels(figure)
    count = len(of.images)
    assert len(first.images) == count  # no overlay
    pixels = first.images[0].get_array()
    assert (pixels == of.images[0].load()).all()
    maps = [one.image_maps(relative=relative) for one in records.values()]
    most = max(float(looked.max()) for own in maps for looked in own)
    for axes, own, title in zip(others, maps, records, strict=True):
        below, above = axes.images[:count], axes.images[count:]
        for image, cells, extent_of, looked in zip(below, above, first.images, own, strict=True):
            grey = image.get_array()
            assert (grey[..., 0] == grey[..., 1]).all()
            assert cells.get_extent() == image.get_extent() == extent_of.get_extent()
            assert cells.get_alpha() == 0.4
            assert cells.norm.vmin == 0
            assert cells.norm.vmax == pytest.approx(most, rel=1e-6)
            torch.testing.assert_close(torch.tensor(cells.get_array().data), looked)
        share = sum(float(looked.sum()) for looked in own)
        assert axes.get_title() == f"{title}\n{share:.0%} on images"
    (bar,) = bars(figure)
    assert bar.get_xlabel().startswith("relative attention" if relative else "share of attention")
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(120)


def test_a_few_bright_cells_do_not_decide_the_scale_and_sinks_stay_without_colour():
    spiked = record()
    spiked.maps[:, -1] = 0.9
    figure = drawn(attention.draw_overlays, {"all": spiked}, top=0.8)
    assert panels(figure)[1].images[-1].norm.vmax < 0.5
    assert float(panels(figure)[1].images[-1].get_array().max()) == pytest.approx(0.9)
    sinks = spiked.sinks.clone()
    sinks[-1] = True
    figure = drawn(attention.draw_overlays, {"all": record(sinks=sinks)}, relative=True)
    assert panels(figure)[1].images[-1].get_array().mask.sum() == 1


def test_two_images_lie_beside_or_below_each_other_and_never_overlap():
    for of, across in ((TWO, True), (problem("<image><image>?", (84, 56), (84, 56), seed=3), False)):
        (left, right, top, bottom), (left2, right2, top2, bottom2) = attention.placed(of)
        assert (left, top) == (0, 0)
        assert (left2 > right, top2 == 0) if across else (top2 > bottom, left2 == 0)
        assert (right2 - left2, bottom2 - top2) == of.images[1].size


def test_galleries_have_one_scale_over_all_groups_and_rows_of_different_lengths():
    rows = {"easy": {"a": record(), "b": record(TWO, seed=1)}, "hard": {"c": record(seed=2)}}
    figure = drawn(attention.draw_gallery, rows, top=1.0)
    norms = {image.norm.vmax for axes in panels(figure) for image in axes.images if image.get_alpha() == 0.6}
    most = max(float(m.max()) for own in rows.values() for r in own.values() for m in r.image_maps())
    assert [pytest.approx(most)] == list(norms)
    assert len(bars(figure)) == 1


@pytest.mark.parametrize("relative", [False, True])
def test_the_grid_has_a_cell_for_every_layer_and_token(relative):
    one = record(tokens=100)
    figure = drawn(attention.draw_layer_token_grid, one, relative=relative)
    (axes,) = panels(figure)
    torch.testing.assert_close(torch.tensor(axes.images[0].get_array().data), one.image_share(relative=relative))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2", "3", "4", "5"]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[:2] == ["t0", "t3"]
    assert len(labels) <= attention.MOST_LABELS


def test_the_share_by_layer_is_a_median_and_its_band_the_quartiles():
    easy, hard = [record(seed=seed) for seed in range(7)], [record(TWO, seed=seed) for seed in range(3)]
    figure = drawn(attention.draw_share_by_layer, {"stratum": {"easy": easy, "hard": hard}, "verdict": {"wrong": []}})
    first, second = panels(figure)
    shares = torch.stack([one.sums[..., 6:].sum(-1).mean(1) for one in easy]).double()
    assert first.lines[0].get_ydata() == pytest.approx(shares.median(0).values.numpy())
    band = first.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(float(shares.quantile(0.25, dim=0).min()), rel=1e-6)
    assert band.max() == pytest.approx(float(shares.quantile(0.75, dim=0).max()), rel=1e-6)
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["easy (n = 7)", "hard (n = 3)"]
    assert [text.get_text() for text in second.get_legend().get_texts()] == ["wrong (n = 0)"]
    assert first.get_ylim() == second.get_ylim()
    relative = drawn(attention.draw_share_by_layer, {"all": {"easy": easy}}, relative=True)
    expected = torch.stack([one.relative[..., 6:].sum(-1).mean(1) for one in easy]).median(0).values
    assert panels(relative)[0].lines[0].get_ydata() == pytest.approx(expected.numpy())


def test_the_map_of_heads_is_the_median_over_responses():
    records = [record(seed=seed) for seed in range(3)]
    (axes,) = panels(drawn(attention.draw_heads, records))
    expected = torch.stack([one.heads[..., 6:].sum(-1) for one in records]).median(0).values
    torch.testing.assert_close(torch.tensor(axes.images[0].get_array().data), expected)
    assert axes.get_title().endswith("median of 3 responses")


def test_token_sets_stack_up_to_all_of_attention():
    (axes,) = panels(drawn(attention.draw_sets_by_layer, record(TWO)))
    tops = axes.collections[-1].get_paths()[0].vertices[:, 1]
    assert tops.max() == pytest.approx(1)
    assert len(axes.collections) == 5


def test_the_balance_of_tokens_has_its_mean_and_its_median_beside_it():
    spiked = record(tokens=9)
    spiked.sums[:, 3, :5] *= 0.01
    figure = drawn(attention.draw_token_balance, spiked)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    (axes,) = panels(figure)
    rho = torch.tensor(axes.lines[0].get_ydata())
    assert labels[1:] == [f"mean {rho.mean():.2f}", f"median {rho.median():.2f}"]
    assert rho.mean() > 3 * rho.median()


def test_histograms_of_balances_share_an_axis_and_count_every_problem():
    figure = drawn(attention.draw_balances, {"mean": [0.5, 1.0, 30.0], "median": [0.4, 0.05]})
    first, second = panels(figure)
    assert first.get_xlim() == second.get_xlim()
    assert [sum(bar.get_height() for bar in axes.containers[0]) for axes in (first, second)] == [3, 2]
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["mean 10.50", "median 1.00"]


def test_a_record_without_images_or_maps_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match="pass problems of their source"):
        attention.draw_overlays(Figure(), {"all": record(problem=None)})
    with pytest.raises(ValueError, match="without maps"):
        attention.draw_overlays(Figure(), {"all": record(maps=None)})


def test_every_figure_is_100_mm_wide_and_no_text_is_smaller_than_five_points():
    one = record()
    for draw, given in (
        (attention.draw_overlays, {"all": one}),
        (attention.draw_layer_token_grid, one),
        (attention.draw_heads, [one]),
        (attention.draw_token_balance, one),
        (attention.draw_share_by_layer, {"all": {"easy": [one]}}),
    ):
        figure = drawn(draw, given)
        assert figure.get_size_inches()[0] * 25.4 == pytest.approx(100)
        texts = [text for axes in figure.axes for text in axes.findobj(lambda thing: hasattr(thing, "get_fontsize"))]
        assert min(text.get_fontsize() for text in texts if text.get_text() and text.get_visible()) >= 5
