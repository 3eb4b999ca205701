// Work in progress: how far it is, how to stop it, and what went wrong.

import { clock } from "../timeline/format.js";
import { element } from "../timeline/dom.js";
import { nameOf, newJob, Pace, watch } from "./stages.js";

const $ = (id) => document.getElementById(id);

export class Work {
  constructor() {
    $("cancel").addEventListener("click", () => this.controller?.abort());
  }

  // `act` gets `{signal, onUpload, job}`, where `job` is a name for the server to say by how far it is; the answer is undefined when it was cancelled or failed, and the failure is shown.
  async run(act) {
    this.calm();
    const before = document.activeElement;
    this.controller = new AbortController();
    this.began = performance.now();
    this.stages = [];
    this.stage("sending", undefined);
    $("start").hidden = true;
    $("working").hidden = false;
    const timer = setInterval(() => this.tell(), 1000);
    $("cancel").focus();
    const [job, pace] = [newJob(), new Pace()];
    const unwatch = watch(job, (said) => this.hear(said, pace));
    const onUpload = (part) => {
      this.left = part ? ((1 - part) * (performance.now() - this.began)) / part / 1000 : undefined;
      this.stage(part === 1 ? "looking" : "sending", part);
    };
    try {
      return await act({ signal: this.controller.signal, onUpload, job });
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
      unwatch();
      $("working").hidden = true;
    }
  }

  hear({ stage, done, of }, pace) {
    if (stage === "arriving") return;
    this.left = pace.tell({ stage, done, of }, performance.now());
    this.stage(stage, of ? done / of : undefined, of ? `${done.toLocaleString("en")} of ${of.toLocaleString("en")}` : "");
  }

  // A stage once begun stays in the list, so that one sees what is done.
  stage(name, part, count = "") {
    if (part === undefined || part === 1) $("progress").removeAttribute("value");
    else $("progress").value = part;
    if (!this.stages.includes(name)) {
      this.stages.push(name);
      $("status").textContent = `${nameOf(name)} …`;
    }
    this.count = count;
    const begun = this.stages.slice(0, this.stages.indexOf(name));
    $("working-done").replaceChildren(...begun.map((one) => element("li", {}, nameOf(one))));
    this.name = name;
    this.tell();
  }

  tell() {
    const left = this.left > 2 ? `about ${clock(Math.ceil(this.left))} left of this` : null;
    $("working-stage").textContent = [`${nameOf(this.name)} …`, this.count, left].filter(Boolean).join(" · ");
    $("working-time").textContent = clock((performance.now() - this.began) / 1000);
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
    this.name = this.left = undefined;
  }
}
