"""The replay's keys: those that play, and of the live panel's those that change nothing but what is looked at."""

from __future__ import annotations

from dataclasses import replace

from textual.binding import Binding

from tui.screens.panel_keys import VIEW_KEYS

_PLAYING = (
    Binding("space,p", "play", "Play", id="replay.play", tooltip="Play, or hold still"),
    Binding("full_stop,right", "sample(1)", "Step", id="replay.step", tooltip="Go to the next sample"),
    Binding("comma,left", "sample(-1)", "Back", id="replay.step_back", tooltip="Go to the sample before"),
    Binding("plus,equals_sign", "faster(1)", "Faster", id="replay.faster", tooltip="Play faster, up to 600 times"),
    Binding("minus", "faster(-1)", "Slower", id="replay.slower", show=False, tooltip="Play slower"),
    Binding("t", "jump", "Go to", id="replay.jump", tooltip="Go to a moment"),
    Binding("a", "alert(1)", "Alert", id="replay.alert", tooltip="Go to where the next alert was raised"),
    Binding("A", "alert(-1)", "Alert before", id="replay.alert_back", show=False, tooltip="Go to the alert before"),
    Binding("shift+right", "skip(60)", "Minute on", id="replay.on", show=False, tooltip="Go on by a minute"),
    Binding("shift+left", "skip(-60)", "Minute back", id="replay.off", show=False, tooltip="Go back by a minute"),
)
KEYS = (
    *_PLAYING,
    Binding("enter", "open", "Open", id="replay.open", tooltip="Show the Connection: who held its sockets then"),
    *VIEW_KEYS,
    Binding("escape,q", "back", "Leave", id="replay.back", tooltip="Show all Connections again, or leave"),
)
# A screen over the replay plays it by the same keys.
KEYS_ABOVE = tuple(
    replace(key, action=f"on_replay({key.action!r})", id=f"{key.id}.above", show=key.show and key.key != "t")
    for key in _PLAYING
)
