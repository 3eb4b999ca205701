// Work in progress: how far it is, how to stop it, and what went wrong.

import { clock } from "../timeline/format.js";
import { element } from "../timeline/dom.js";

const $ = (id) => document.getElementById(id);

export class Work {
  constructor() {
    $("cancel").addEventListener("click", () => this.controller?.abort());
  }

  // `act` gets `{signal, onUpload}`; the answer is undefined when it was cancelled or failed, and the failure is shown.
  async run(act) {
    this.calm();
    const before = document.activeElement;
    this.controller = new AbortController();
    this.began = performance.now();
    this.stage("Sending", undefined);
    $("start").hidden = true;
    $("working").hidden = false;
    const timer = setInterval(() => this.tell(), 1000);
    $("cancel").focus();
    try {
      return await act({ signal: this.controller.signal, onUpload: (part) => this.stage(part === 1 ? "Reading, listening, looking" : "Sending", part) });
    } catch (error) {
      $("start").hidden = false;
      if (error.name === "AbortError") {
        $("status").textContent = "Cancelled.";
        before.focus();
      } else {
        this.complain(error);
        $("error").focus();
      }
      return undefined;
    } finally {
      clearInterval(timer);
      $("working").hidden = true;
    }
  }

  stage(name, part) {
    if (part === undefined || part === 1) $("progress").removeAttribute("value");
    else $("progress").value = part;
    if (this.name !== name) $("status").textContent = `${name} …`;
    this.name = name;
    this.tell();
  }

  tell() {
    $("working-stage").textContent = `${this.name} … ${clock((performance.now() - this.began) / 1000)}`;
  }

  // The first sentence says what is wrong, the others what to do.
  complain(error) {
    const end = error.message.search(/[.!?] /);
    const [fault, advice] = end < 0 ? [error.message, ""] : [error.message.slice(0, end + 1), error.message.slice(end + 2)];
    $("error").replaceChildren(element("b", {}, fault), element("p", {}, advice));
    $("error").hidden = false;
    $("error").scrollIntoView({ block: "nearest" });
  }

  calm() {
    $("error").hidden = true;
    $("error").replaceChildren();
    this.name = undefined;
  }
}
