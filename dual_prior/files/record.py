"""What became of one picture."""

import dataclasses

RESTORED, SKIPPED, FAILED = "restored", "skipped", "failed"


@dataclasses.dataclass
class Record:
    """What became of one picture. None where nothing is known.

    Attributes:
        status: `"restored"`, `"skipped"` or `"failed"`.
        reason: Why it was skipped, or why it failed.
        kind: What the picture is, in words.
        quality: Estimated JPEG quality.
        probability: That it was compressed, by the classifier.
        seconds: From decoded to restored.
        warnings: What could not be kept or is doubtful.
    """

    input: str
    output: str | None
    status: str = RESTORED
    reason: str | None = None
    width: int | None = None
    height: int | None = None
    kind: str | None = None
    quality: int | None = None
    probability: float | None = None
    seconds: float | None = None
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def megapixels(self) -> float:
        return (self.width or 0) * (self.height or 0) / 1e6
