// What makes the pages handier. Everything works without it.
import { setUpCopying } from "./copying.js";
import { setUpForms } from "./forms.js";
import { setUpMenus } from "./menus.js";
import { setUpTheme } from "./theme.js";
import { setUpTicking } from "./ticking.js";

for (const setUp of [setUpTheme, setUpMenus, setUpForms, setUpCopying, setUpTicking]) setUp();
