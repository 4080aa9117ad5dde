"""Explain the scores in the tour's table, with its numbers."""

from reference_models.tour.tour import REAL, Scored


def explain(scored: Scored) -> list[str]:
    """Return a text for each score: what it measures, and its values for the samples."""

    def value(score: str, sample: str) -> str:
        return f"{scored.report[scored.samples[sample], score].value:.3g}"

    def progress(score: str) -> str:
        return ", ".join(
            f"{model} from {value(score, f'untrained {model}')} to {value(score, model)}"
            for model in scored.models
        )

    def all_of(score: str) -> str:
        return ", ".join(f"{model} {value(score, model)}" for model in scored.models)

    num = scored.report[scored.samples[REAL], "fid"].num_sample
    return [
        "fid: the distance between two clouds of features. Training makes it smaller: "
        f"{progress('fid')}. Real digits that no model saw get {value('fid', REAL)} and not 0, "
        f"and so would a perfect model with {num} images.",
        "kid: like fid, but unbiased for any number of images, so perfect samples get about 0: "
        f"real digits {value('kid', REAL)}; {progress('kid')}.",
        "is: how sure and how varied the predicted classes are; it uses no real images. The "
        "classes of this network are not digits, so the values say little: real digits "
        f"{value('is', REAL)}, {all_of('is')}.",
        "precision: the share of samples that look like real digits: real digits "
        f"{value('precision', REAL)}; {progress('precision')}.",
        "recall: the share of real digits that the model could have made. It falls if the model "
        f"leaves out kinds of digits: real digits {value('recall', REAL)}; {progress('recall')}.",
        "density: like precision, but it counts how many real neighbours a sample has: real "
        f"digits {value('density', REAL)}; {progress('density')}.",
        "coverage: the share of real digits with a sample close by: real digits "
        f"{value('coverage', REAL)}; {progress('coverage')}.",
    ]
