"""The console's own themes: dark and light, one accent colour, text of at least 4.5:1 on its background.

Style sheets use these tokens beside Textual's own: $ok, $warning, $failed, $muted (text that explains), $line
(borders and rules), $field (where one types), $chosen (the line under the cursor).
"""

from textual.theme import Theme

DARK = Theme(
    name="pgconns-dark",
    dark=True,
    primary="#7cb7ff",
    accent="#7cb7ff",
    success="#86d08f",
    warning="#e8bd6a",
    error="#ff8a85",
    foreground="#dde3ea",
    background="#11151a",
    surface="#11151a",
    panel="#1a2028",
    variables={
        "ok": "#86d08f",
        "failed": "#ff8a85",
        "muted": "#95a1ae",
        "line": "#3a4653",
        "field": "#1d242d",
        "chosen": "#26384d",
        "footer-background": "#1a2028",
        "footer-key-foreground": "#7cb7ff",
        "footer-description-foreground": "#b4bec9",
        "block-cursor-background": "#26384d",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "input-selection-background": "#355a85",
        "scrollbar": "#3a4653",
        "scrollbar-hover": "#566575",
        "scrollbar-active": "#7cb7ff",
        "scrollbar-background": "#11151a",
        "scrollbar-background-hover": "#11151a",
        "scrollbar-background-active": "#11151a",
    },
)

LIGHT = Theme(
    name="pgconns-light",
    dark=False,
    primary="#0a5bb0",
    accent="#0a5bb0",
    success="#1b6e34",
    warning="#7d4e00",
    error="#b3231c",
    foreground="#1c2128",
    background="#fcfcfa",
    surface="#fcfcfa",
    panel="#eceeec",
    variables={
        "ok": "#1b6e34",
        "failed": "#b3231c",
        "muted": "#59636e",
        "line": "#b9c0c6",
        "field": "#eef1f3",
        "chosen": "#cfe2f7",
        "footer-background": "#eceeec",
        "footer-key-foreground": "#0a5bb0",
        "footer-description-foreground": "#3b444d",
        "block-cursor-background": "#cfe2f7",
        "block-cursor-foreground": "#0b0e12",
        "block-cursor-text-style": "none",
        "input-selection-background": "#a9cdf5",
        "scrollbar": "#b9c0c6",
        "scrollbar-hover": "#8f99a3",
        "scrollbar-active": "#0a5bb0",
        "scrollbar-background": "#fcfcfa",
        "scrollbar-background-hover": "#fcfcfa",
        "scrollbar-background-active": "#fcfcfa",
    },
)

# With NO_COLOR the colours of Textual's ANSI theme are dropped on the way out; signs, bold and reverse remain.
NOCOLOR = "ansi-dark"
TOKENS = {
    "ok": "ansi_green",
    "failed": "ansi_red",
    "muted": "ansi_default",
    "line": "ansi_default",
    "field": "ansi_default",
    "chosen": "ansi_default",
}
