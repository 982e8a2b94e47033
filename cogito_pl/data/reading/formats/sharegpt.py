"""The format `sharegpt`, of ShareGPT and LLaMA-Factory."""

from collections.abc import Mapping
from typing import ClassVar

from cogito_pl.data.reading.formats.conversation import Conversation


class ShareGPT(Conversation):
    """`{"conversations": [{"from": "human", "value": "<image>Q"}, {"from": "gpt", "value": "A"}], "system": "..."}`.

    LLaMA-Factory empties a row whose turns do not alternate, with a warning; here it is rejected.
    """

    name = "sharegpt"
    defaults: ClassVar[Mapping[str, str]] = {"turns": "conversations"}
    telltale: ClassVar[frozenset[str]] = frozenset({"conversations"})
    speaker, text = "from", "value"
    roles: ClassVar[Mapping[str, str]] = {"system": "system", "human": "user", "gpt": "assistant"}
