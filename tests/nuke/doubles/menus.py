"""nuke.menu: what was added to menus, and running it."""

# ruff: noqa: N802

from __future__ import annotations

from typing import Any

from doubles.session import current

NAMES = ("Nuke", "Nodes", "Pane", "Properties", "Animation", "Viewer", "Node Graph", "Axis")


class MenuItem:
    """One command."""

    def __init__(self, name: str, command: Any, options: dict[str, Any]) -> None:
        self._name = name
        self._command = command
        self.options = options

    def name(self) -> str:
        return self._name

    def script(self) -> str:
        return self._command if isinstance(self._command, str) else ""

    def invoke(self) -> None:
        """Do what a click does."""
        import nuke

        current().check_main("a menu")
        if callable(self._command):
            self._command()
        else:
            exec(self._command, {"nuke": nuke, "__name__": "__main__"})


class Menu:
    """A menu or a toolbar."""

    def __init__(self, name: str, options: dict[str, Any] | None = None) -> None:
        self._name = name
        self._items: dict[str, Any] = {}
        self.options = options or {}

    def name(self) -> str:
        return self._name

    def items(self) -> list[Any]:
        return list(self._items.values())

    def addMenu(self, name: str, icon: str = "", tooltip: str = "", index: int = -1) -> Menu:
        current().check_main("Menu.addMenu")
        head, _, rest = name.partition("/")
        menu = self._items.get(head)
        if not isinstance(menu, Menu):
            menu = self._items[head] = Menu(head, {"icon": icon, "tooltip": tooltip})
        return menu.addMenu(rest, icon, tooltip) if rest else menu

    def addCommand(self, name: str, command: Any = "", shortcut: str = "", icon: str = "",
                   tooltip: str = "", index: int = -1, readonly: bool = False,
                   shortcutContext: int = 0) -> Any:  # noqa: N803  # fmt: skip
        current().check_main("Menu.addCommand")
        head, _, rest = name.partition("/")
        if rest:
            return self.addMenu(head).addCommand(rest, command, shortcut, icon, tooltip)
        item = MenuItem(head, command, {"shortcut": shortcut, "icon": icon, "tooltip": tooltip})
        self._items[head] = item
        return item

    def addSeparator(self) -> None:
        current().check_main("Menu.addSeparator")

    def findItem(self, name: str) -> Any:
        head, _, rest = name.partition("/")
        found = self._items.get(head)
        return found.findItem(rest) if rest and isinstance(found, Menu) else found

    def removeItem(self, name: str) -> bool:
        return self._items.pop(name, None) is not None


def menu(name: str) -> Menu:
    """nuke.menu. Raises RuntimeError in `nuke -t`, as well as for a name that Nuke lacks."""
    session = current()
    session.check_main("nuke.menu")
    session.need_gui("nuke.menu")
    if name not in NAMES:
        raise RuntimeError(f"there is no menu {name}")
    if name not in session.menus:
        session.menus[name] = Menu(name)
    return session.menus[name]  # type: ignore[no-any-return]


def toolbar(name: str) -> Menu:
    """nuke.toolbar."""
    return menu(name)
