// Draws the analysis that an exported file carries.

import { Timeline } from "./timeline.js";

const carried = JSON.parse(document.getElementById("analysis").textContent);
new Timeline(document.getElementById("timeline")).show(carried);
