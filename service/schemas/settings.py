"""The wire models of the settings; they are printed only, never served."""

from pydantic import Field

from service.schemas.base import Wire


class SettingBody(Wire):
    """One setting, its value and where that came from."""

    name: str = Field(description="The setting's name, as in the configuration file.")
    value: int | str | list[str] | dict[str, str] | None = Field(
        description="Its value; null where the choice is left to the index or the default."
    )
    origin: str = Field(
        description="Where the value came from: default, a configuration file's path, a variable "
        "or a flag."
    )
    variable: str = Field(description="The environment variable that sets it.")
    expected: str = Field(description="What values it takes.")
    help: str = Field(description="What it is.")


class SettingsBody(Wire):
    """Every setting, in the order of the template."""

    settings: list[SettingBody]
