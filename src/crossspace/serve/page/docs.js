// The API as a page: what openapi.json says, with nothing from elsewhere.
import { element } from "../timeline/dom.js";
import { call } from "./api.js";
import { markdown } from "../timeline/card.js";
import { themes } from "./chrome.js";

const $ = (id) => document.getElementById(id);
const DEEPEST = 5;

function resolved(schema, document) {
  const place = schema?.$ref?.replace(/^#\//, "").split("/");
  return place ? place.reduce((part, name) => part[name], document) : schema ?? {};
}

// What a value is, in a few words.
function kind(schema, document) {
  const own = resolved(schema, document);
  if (own.anyOf) return own.anyOf.map((one) => kind(one, document)).join(" or ");
  if (own.enum) return own.enum.map((one) => JSON.stringify(one)).join(", ");
  if (own.type === "array") return `list of ${kind(own.items, document)}`;
  if (own.type === "object" && own.additionalProperties instanceof Object) return `object by name of ${kind(own.additionalProperties, document)}`;
  return own.format === "binary" ? "file" : own.type ?? "anything";
}

// The object that is described in a value, wherever it is nested.
function inside(schema, document) {
  const own = resolved(schema, document);
  if (own.properties) return own;
  const parts = own.anyOf ?? [own.items, own.additionalProperties].filter((part) => part instanceof Object);
  return parts.map((part) => inside(part, document)).find(Boolean);
}

function limits({ minimum, maximum, maxLength, minItems }) {
  return [
    minimum !== undefined ? `from ${minimum}` : null, maximum !== undefined ? `to ${maximum}` : null,
    maxLength !== undefined ? `at most ${maxLength} characters` : null, minItems !== undefined ? `at least ${minItems}` : null,
  ].filter(Boolean).join(" ");
}

function fields(schema, document, depth = 0) {
  const own = inside(schema, document);
  if (!own || depth > DEEPEST) return null;
  const row = ([name, one]) => {
    const exact = { ...resolved(one, document), ...one };
    const among = exact.anyOf?.map((part) => limits(part)).find(Boolean);
    const about = [
      kind(one, document), own.required?.includes(name) ? "required" : null, limits(exact) || among || null, exact.description ?? null,
    ].filter(Boolean).join("; ");
    return element("li", {}, element("code", {}, name), " ", element("span", { class: "kind" }, about), fields(one, document, depth + 1));
  };
  return element("ul", { class: "fields" }, Object.entries(own.properties).map(row));
}

function parameters(list, document) {
  const row = (one) => element("li", {}, element("code", {}, one.name), " ",
    element("span", { class: "kind" }, `${kind(one.schema, document)}; in the ${one.in}${one.required ? "; required" : ""}`));
  return [element("h3", {}, "Parameters"), element("ul", { class: "fields" }, list.map(row))];
}

function command(method, path, content) {
  const address = new URL(path.slice(1), document.baseURI).href;
  const form = content?.["multipart/form-data"];
  const example = content?.["application/json"]?.schema?.examples?.[0];
  // The files only: a call without the other fields works as well, and one that sends them as files does not.
  const files = Object.entries(form?.schema.properties ?? {}).filter(([, own]) => own.format === "binary");
  const sent = form ? files.map(([name]) => ` -F ${name}=@FILE`).join("")
    : example ? ` -H 'Content-Type: application/json' -d '${JSON.stringify(example).replaceAll("'", "'\\''")}'` : "";
  return element("pre", { tabindex: 0, role: "region", "aria-label": `${method.toUpperCase()} ${path} with curl` }, element("code", {}, `curl${sent} ${address}`));
}

function body(content, document) {
  return Object.entries(content).flatMap(([type, { schema }]) => [
    element("h3", {}, `Body: ${type}`), schema.description ? element("p", { class: "small" }, schema.description) : null, fields(schema, document),
  ]);
}

function answers(responses, document) {
  const row = ([status, { description, content = {} }]) => {
    const answer = status < 300 ? fields(content["application/json"]?.schema, document) : null;
    const others = Object.keys(content).filter((type) => type !== "application/json").join(", ");
    const line = [element("code", {}, status), " ", element("span", { class: "kind" }, others ? `${description}; also ${others}` : description)];
    return element("li", {}, answer ? element("details", {}, element("summary", {}, line), answer) : line);
  };
  return [element("h3", {}, "Answers"), element("ul", { class: "fields" }, Object.entries(responses).map(row))];
}

function card(path, method, operation, document) {
  const content = operation.requestBody?.content;
  return element("section", { class: "call", "aria-label": operation.summary },
    element("h2", {}, element("span", { class: "method" }, method.toUpperCase()), element("span", { class: "path" }, path)),
    element("p", {}, element("b", {}, operation.summary)), markdown(operation.description ?? ""),
    command(method, path, content),
    operation.parameters?.length ? parameters(operation.parameters, document) : null,
    content ? body(content, document) : null, answers(operation.responses, document));
}

async function show() {
  const found = await call("openapi.json");
  $("title").textContent = `The API of ${found.info.title} ${found.info.version}`;
  $("about").replaceChildren(...markdown(found.info.description));
  const all = Object.entries(found.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => card(path, method, operation, found)));
  $("calls").replaceChildren(...all);
}

themes();
show().catch((error) => {
  $("error").textContent = error.message;
  $("error").hidden = false;
});
