"""Families: what differs between vision-language architectures, one file per family."""

from cogito_pl.policy.families.family import Family
from cogito_pl.policy.families.generic import Generic
from cogito_pl.policy.families.qwen2_5_vl import Qwen2_5VL
from cogito_pl.policy.families.qwen3_vl import Qwen3VL

SHIPPED: dict[str, type[Family]] = {"qwen2_5_vl": Qwen2_5VL, "qwen3_vl": Qwen3VL, "generic": Generic}


def check_family(setting: Family | str) -> None:
    """Raises ValueError, listing the names there are, for a name that no family has."""
    if isinstance(setting, str) and setting not in (*SHIPPED, "auto"):
        raise ValueError(
            f"policy.family={setting} is neither one of {', '.join(['auto', *SHIPPED])} nor the class_path of a "
            "subclass of cogito_pl.policy.Family that can be imported"
        )


def find_family(setting: Family | str, model_type: str) -> Family:
    """The family of `policy.family`; for `auto`, the one that serves `model_type`, else the generic one."""
    check_family(setting)
    if isinstance(setting, Family):
        return setting
    if setting != "auto":
        return SHIPPED[setting]()
    return next((family for family in SHIPPED.values() if model_type in family.model_types), Generic)()


__all__ = ["SHIPPED", "Family", "Generic", "Qwen2_5VL", "Qwen3VL", "check_family", "find_family"]
