"""What a reader sees in the tour's table, said with its numbers."""

from reference_models.tour.tour import REAL, Scored


def explain(scored: Scored) -> list[str]:
    """Return one sentence for each score: what it looks at, and what it says of the samples."""

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
        "fid: the distance between two clouds of features, which training shortens: "
        f"{progress('fid')}. Real digits that no model saw get {value('fid', REAL)}, not 0: with "
        f"{num} images that is the floor.",
        "kid: like fid, but unbiased at any number of images, so that the floor is 0: real digits "
        f"get {value('kid', REAL)}; {progress('kid')}.",
        "is: how sure and how varied the predicted classes are, without a look at real images. "
        f"This network's classes are no digits, so that {value('is', REAL)} for real ones, "
        f"{all_of('is')} say little.",
        "precision: the share of samples that pass for digits: real ones "
        f"{value('precision', REAL)}; {progress('precision')}.",
        "recall: the share of real digits that the model could have made, which falls when it "
        f"leaves kinds of them out: real ones {value('recall', REAL)}; {progress('recall')}.",
        "density: precision that counts how many real neighbours a sample has: real digits "
        f"{value('density', REAL)}; {progress('density')}.",
        "coverage: the share of real digits with a sample close by: unseen real ones reach "
        f"{value('coverage', REAL)}; {progress('coverage')}.",
    ]
