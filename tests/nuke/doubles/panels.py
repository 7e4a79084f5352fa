"""nukescripts.panels: registers a Qt widget as a panel of Nuke's panes, and opens it.

The widget is named by an expression, which Nuke evaluates in __main__ each time a panel is opened.
"""

# Names of functions and parameters are Nuke's.
# ruff: noqa: N802

from __future__ import annotations

import types
from typing import Any

from doubles.menus import menu
from doubles.session import current


class WidgetKnob:
    """What Nuke wraps around the widget's class: makeUI makes it."""

    def __init__(self, widget: Any) -> None:
        self.widgetClass = widget

    def makeUI(self) -> Any:
        self.widget = self.widgetClass()
        return self.widget


class Panel:
    """A panel in a pane; `widget` is what it shows."""

    def __init__(self, expression: str) -> None:
        current().check_main("a panel")
        scope = {"__name__": "__main__", "WidgetKnob": WidgetKnob}
        self.widget = eval(f"WidgetKnob({expression})", scope).makeUI()


def registerWidgetAsPanel(widget: str, name: str, id: str, create: bool = False) -> Panel | None:
    """Add a panel to the menu of panes. Raises RuntimeError in `nuke -t`, which has no menus."""
    current().check_main("registerWidgetAsPanel")
    if not isinstance(widget, str):
        raise TypeError(f"registerWidgetAsPanel takes the widget's name, not {widget!r}")

    def open_panel() -> Panel:
        return Panel(widget)

    menu("Pane").addCommand(name, open_panel)
    current().panels[id] = open_panel
    return open_panel() if create else None


def make_modules() -> dict[str, types.ModuleType]:
    """Return nukescripts and nukescripts.panels by their names."""
    package, panels = types.ModuleType("nukescripts"), types.ModuleType("nukescripts.panels")
    panels.registerWidgetAsPanel = registerWidgetAsPanel  # type: ignore[attr-defined]
    panels.WidgetKnob = WidgetKnob  # type: ignore[attr-defined]
    package.panels = panels  # type: ignore[attr-defined]
    package.__path__ = []
    return {"nukescripts": package, "nukescripts.panels": panels}
