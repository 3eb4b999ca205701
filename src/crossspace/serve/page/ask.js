// Asks for the token once the server wants one, and repeats what was refused.

import { token } from "./api.js";

const $ = (id) => document.getElementById(id);

let asking;

// One dialog, whoever waits for the token.
function askForToken(wrong) {
  asking ??= open(wrong).finally(() => { asking = undefined; });
  return asking;
}

function open(wrong) {
  const dialog = $("token");
  $("token-wrong").textContent = wrong ? "The server did not accept this token." : "";
  $("token-value").value = "";
  dialog.returnValue = "";
  return new Promise((resolve) => {
    $("token-form").onsubmit = () => { token.set($("token-value").value); resolve(true); };
    dialog.onclose = () => resolve(false);
    dialog.showModal();
  });
}

export async function withToken(act) {
  for (let tried = Boolean(token.get()); ; tried = true) {
    try {
      return await act();
    } catch (error) {
      if (error.status !== 401 || !(await askForToken(tried))) throw error;
    }
  }
}
