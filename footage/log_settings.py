"""Settings of logs."""

from typing import Literal

from footage.setting_section import Section


class LogSettings(Section):
    """How the program, its workers and the service write their logs."""

    format: Literal["auto", "text", "json"] = "auto"
    """`json`: one object a line, for a collector; `text`: for people. `auto`: json where a run works on a Ray cluster,
    text on a machine of its own."""
    level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"
    """The least level that is written. INFO has a line for each call of a stage."""

    def of_cluster(self, *, is_cluster: bool) -> "LogSettings":
        """The same with what `auto` stands for."""
        if self.format != "auto":
            return self
        return self.model_copy(update={"format": "json" if is_cluster else "text"})
