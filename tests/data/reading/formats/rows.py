"""Rows of each format as its documentation writes them, odd ones among them, with what they must become.

A case is a row and either the fields of its problem or the beginning of the reason for which it is rejected.
"""

from cogito_pl.problem import Exchange


def said(*texts, names=("user", "assistant"), speaker="role", text="content", system=None):
    turns = [{speaker: names[place % 2], text: value} for place, value in enumerate(texts)]
    return ([{speaker: "system", text: system}] if system else []) + turns


def shared(*texts, **others):
    return said(*texts, names=("human", "gpt"), speaker="from", text="value", **others)


TEXT = {"type": "text", "text": "Find x."}

MESSAGES = {
    "one turn": (
        {"messages": said("2 + 3?", "It is 5."), "answer": "5", "level": 2},
        {"question": "2 + 3?", "solution": "It is 5.", "answer": "5", "history": (), "meta": {"level": 2}},
    ),
    "several turns": (
        {"messages": said("2 + 3?", "5", "And 4 more?", "9", "Doubled?", "18"), "answer": "18"},
        {
            "question": "Doubled?",
            "solution": "18",
            "history": (Exchange("2 + 3?", "5"), Exchange("And 4 more?", "9")),
        },
    ),
    "a question that is not answered": (
        {"messages": said("2 + 3?", "5", "And 4 more?"), "answer": "9"},
        {"question": "And 4 more?", "solution": None, "history": (Exchange("2 + 3?", "5"),)},
    ),
    "a system message": (
        {"messages": said("2 + 3?", "5", system="Be brief."), "answer": "5"},
        {"question": "2 + 3?", "system": "Be brief."},
    ),
    "images by markers": (
        {"messages": said("<image>Like <image>?", "No."), "images": ["a.png", "b.png"], "answer": "no"},
        {"question": "<image>Like <image>?", "images": 2},
    ),
    "images by parts, of the column": (
        {
            "messages": said([{"type": "image"}, TEXT], [{"type": "text", "text": "3"}]),
            "images": ["a.png"],
            "answer": 3,
        },
        {"question": "<image>Find x.", "solution": "3", "images": 1, "answer": "3"},
    ),
    "images in their place": (
        {"messages": said([TEXT, {"type": "image", "image": "a.png"}], "3"), "answer": "3"},
        {"question": "Find x.<image>", "images": 1},
    ),
    "an image behind a url key": (
        {"messages": said([{"type": "image_url", "image_url": {"url": "b.png"}}, TEXT], "3"), "answer": "3"},
        {"question": "<image>Find x.", "images": 1},
    ),
    "images without markers go first": (
        {"messages": said("Which?", "Red.", "Why?", "It glows."), "images": ["a.png"], "answer": "glows"},
        {"question": "Why?", "history": (Exchange("<image>\nWhich?", "Red."),), "images": 1},
    ),
    "images of a later turn": (
        {"messages": said("Hello.", "Hi.", "<image>Find x.", "3"), "images": ["a.png"], "answer": "3"},
        {"question": "<image>Find x.", "images": 1},
    ),
    "no answer": ({"messages": said("2 + 3?", "5"), "answer": None}, "the answer is empty"),
    "a tool": (
        {"messages": [*said("2 + 3?", "One moment."), {"role": "tool", "content": "5"}], "answer": "5"},
        "turn 3 is of 'tool': only system, user, assistant are read",
    ),
    "a call of a tool": (
        {"messages": [said("?")[0], {"role": "assistant", "content": "", "tool_calls": [{}]}], "answer": "5"},
        "turn 2 has the key 'tool_calls'",
    ),
    "a turn without loss": (
        {"messages": [said("?")[0], {"role": "assistant", "content": "5", "loss": False}], "answer": "5"},
        "turn 2 has the key 'loss'",
    ),
    "two questions in a row": (
        {"messages": [*said("2 + 3?"), *said("Well?", "5")], "answer": "5"},
        "the turns do not alternate: a turn of the user follows a turn of the user",
    ),
    "the assistant begins": (
        {"messages": said("Hi.", "2 + 3?", names=("assistant", "user")), "answer": "5"},
        "the turns do not alternate: a turn of the assistant follows no question",
    ),
    "a system message in between": (
        {"messages": [*said("2 + 3?", "5"), {"role": "system", "content": "Stop."}], "answer": "5"},
        "turn 3 is of 'system'",
    ),
    "an empty response": ({"messages": said("2 + 3?", " "), "answer": "5"}, "turn 2 is empty"),
    "no turns": ({"messages": [], "answer": "5"}, "the column 'messages' is no list of turns"),
    "text for turns": ({"messages": "2 + 3?", "answer": "5"}, "the column 'messages' is no list of turns: str"),
    "only a system message": (
        {"messages": said(system="Be brief."), "answer": "5"},
        "the conversation has no question",
    ),
    "an image in a response": (
        {"messages": said("Draw.", "<image>"), "images": ["a.png"], "answer": "5"},
        "turn 2 is empty",
    ),
    "an image beside a response": (
        {"messages": said("Draw.", "Here: <image>"), "images": ["a.png"], "answer": "5"},
        "turn 2 has an image",
    ),
    "a marker too many": (
        {"messages": said("<image><image>?", "5"), "images": ["a.png"], "answer": "5"},
        "the question has 2 <image> markers for 1 images",
    ),
    "markers of several turns": (
        {"messages": said("<image>?", "5", "<image>?", "6"), "images": ["a.png"], "answer": "5"},
        "the questions have 2 <image> markers for 1 images",
    ),
    "images in both places": (
        {"messages": said([{"type": "image", "image": "a.png"}, TEXT], "5"), "images": ["b.png"], "answer": "5"},
        "there are images both in the turns and in the column 'images'",
    ),
    "a marker beside an image part": (
        {"messages": said([{"type": "image"}, {"type": "text", "text": "<image>?"}], "5"), "images": ["b.png"]}
        | {"answer": "5"},
        "turn 1 has <image> in its text beside parts that are images",
    ),
    "a video": (
        {"messages": said([{"type": "video", "video": "a.mp4"}, TEXT], "5"), "answer": "5"},
        "turn 1 has a part of the type 'video'",
    ),
    "sharegpt": (
        {"messages": shared("2 + 3?", "5"), "answer": "5"},
        "the row looks like the format sharegpt: set `format: sharegpt` and `columns.turns: messages`",
    ),
    "sharegpt's column": (
        {"conversations": shared("2 + 3?", "5"), "answer": "5"},
        "the row looks like the format sharegpt: set `format: sharegpt`",
    ),
    "swift": (
        {"messages": said("2 + 3?"), "answer": None, "solution": "5"},
        "the row looks like the format swift: set `format: swift`",
    ),
    "columns": ({"question": "2 + 3?", "answer": "5"}, "the row looks like the format columns: set `format: columns`"),
}

SHAREGPT = {
    "one turn": (
        {"conversations": shared("2 + 3?", "It is 5."), "answer": "5"},
        {"question": "2 + 3?", "solution": "It is 5.", "answer": "5", "system": None},
    ),
    "several turns": (
        {"conversations": shared("2 + 3?", "5", "And 4 more?", "9"), "answer": "9"},
        {"question": "And 4 more?", "history": (Exchange("2 + 3?", "5"),)},
    ),
    "a system column": (
        {"conversations": shared("2 + 3?", "5"), "system": "Be brief.", "answer": "5"},
        {"system": "Be brief.", "meta": {}},
    ),
    "a system turn": (
        {"conversations": shared("2 + 3?", "5", system="Be brief."), "answer": "5"},
        {"system": "Be brief.", "question": "2 + 3?"},
    ),
    "both": (
        {"conversations": shared("2 + 3?", "5", system="Be brief."), "system": "Be long.", "answer": "5"},
        "there is a system message both in the turns and in the column 'system'",
    ),
    "an image": (
        {"conversations": shared("<image>Q", "A"), "images": ["a.png"], "answer": "A"},
        {"question": "<image>Q", "images": 1},
    ),
    "a line break after the marker": (
        {"conversations": shared("<image>\nQ", "A"), "images": ["a.png"], "answer": "A"},
        {"question": "<image>\nQ", "images": 1},
    ),
    "an observation": (
        {"conversations": [*shared("Q", "A"), {"from": "observation", "value": "3"}], "answer": "3"},
        "turn 3 is of 'observation': only system, human, gpt are read",
    ),
    "a call of a function": (
        {"conversations": [*shared("Q"), {"from": "function_call", "value": "{}"}], "answer": "3"},
        "turn 2 is of 'function_call'",
    ),
    "no answer": ({"conversations": shared("Q", "A")}, "the answer is empty"),
    "messages": (
        {"conversations": said("Q", "A"), "answer": "A"},
        "the row looks like the format messages: set `format: messages` and `columns.turns: conversations`",
    ),
    "a turn without its keys": (
        {"conversations": [*shared("Q"), {"from": "gpt"}], "answer": "A"},
        "turn 2 lacks the keys from and value",
    ),
}

SWIFT = {
    "a problem": (
        {"messages": said("<image>Find x."), "images": ["a.png"], "solution": "3"},
        {"question": "<image>Find x.", "answer": "3", "solution": None, "images": 1},
    ),
    "with a worked solution": (
        {"messages": said("Find x.", "x is 3."), "solution": "3"},
        {"answer": "3", "solution": "x is 3."},
    ),
    "an image as bytes and path": (
        {"messages": said("<image>Find x."), "images": [{"bytes": None, "path": "b.png"}], "solution": "3"},
        {"images": 1},
    ),
    "one image without a marker": (
        {"messages": said("Find x."), "images": "a.png", "solution": "3"},
        {"question": "<image>\nFind x.", "images": 1},
    ),
    "a system message": (
        {"messages": said("Find x.", system="Think."), "solution": "3"},
        {"system": "Think."},
    ),
    "several turns": (
        {"messages": said("a?", "1", "b?"), "solution": "3"},
        {"question": "b?", "answer": "3", "history": (Exchange("a?", "1"),)},
    ),
    "columns of its own": (
        {"messages": said("Find x."), "solution": "3", "ability": "algebra", "id": "s7"},
        {"meta": {"ability": "algebra"}, "id": "s7"},
    ),
    "no solution": ({"messages": said("Find x.", "x is 3.")}, "the answer is empty"),
    "boxes": (
        {"messages": said("Where is <ref-object>?"), "solution": "3", "objects": {"ref": ["sheep"], "bbox": []}},
        "the row has boxes in 'objects'",
    ),
    "a tool": (
        {"messages": [*said("Q", "A"), {"role": "tool_response", "content": "3"}], "solution": "3"},
        "turn 3 is of 'tool_response'",
    ),
    "a marker too many": (
        {"messages": said("<image><image>?"), "images": ["a.png"], "solution": "3"},
        "the question has 2 <image> markers for 1 images",
    ),
    "sharegpt": (
        {"conversations": shared("Q", "A"), "solution": "3"},
        "the row looks like the format sharegpt: set `format: sharegpt`",
    ),
}

CASES = {"messages": MESSAGES, "sharegpt": SHAREGPT, "swift": SWIFT}
