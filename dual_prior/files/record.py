"""The outcome for one picture."""

import dataclasses

RESTORED, COPIED, SKIPPED, FAILED = "restored", "copied", "skipped", "failed"
PLANNED, TO_COPY = "planned", "to copy"  # in a dry run


@dataclasses.dataclass
class Record:
    """The outcome for one picture. None where a value is not known.

    Attributes:
        status: `"restored"`, `"copied"` (a clean picture), `"skipped"` or `"failed"`;
            `"planned"` or `"to copy"` in a dry run.
        reason: Why it was copied or skipped, or why it failed; what else there is to
            say of how it was restored.
        kind: The picture in words, as "colour JPEG 4:2:0 of quality about 75".
        quality: Estimated JPEG quality.
        probability: Of having been compressed, by the classifier.
        clipping: Of which channels the coefficients were clipped to what the JPEG file
            allows, or "none" and why.
        seconds: Time spent restoring, without reading and writing.
        warnings: Parts that could not be kept, and doubts about the file.
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
    clipping: str | None = None
    seconds: float | None = None
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def megapixels(self) -> float:
        return (self.width or 0) * (self.height or 0) / 1e6
