import { expect } from "vitest";
import { parseStrictHtml } from "./strict-html.ts";

/** What somebody may call themselves who wants a page to do something. */
export const payloads = [
  "<script>alert(1)</script>",
  "</title><script>alert(1)</script>",
  "</style><script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  '"><svg onload=alert(1)>',
  "'><svg onload=alert(1)>",
  '" onmouseover="alert(1)',
  "' onfocus='alert(1)' autofocus='",
  "<a href=javascript:alert(1)>x</a>",
  "<iframe srcdoc='<script>alert(1)</script>'>",
  "<!--<script>-->",
  "]]><script>alert(1)</script>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "&#60;script&#62;",
  "<ScRiPt\n>alert(1)</sCrIpT >",
  "<svg><style><img src=x onerror=alert(1)>",
  "<meta http-equiv=refresh content='0;url=//evil.example'>",
  "<base href=//evil.example>",
  "<form action=//evil.example><input name=x>",
  "{{7*7}} {platform} <%= 7*7 %>",
  "\u202egnp.exe",
  "\u0000<b>",
  "＜script＞alert(1)＜/script＞",
  "+ADw-script+AD4-alert(1)",
];

const allowed = new Map([
  ["html", ["lang"]],
  ["head", []],
  ["meta", ["charset", "name", "content"]],
  ["title", []],
  ["link", ["rel", "href"]],
  ["body", []],
  ["main", ["class"]],
  ["svg", ["viewBox", "aria-hidden"]],
  ["circle", ["cx", "cy", "r"]],
  ["path", ["d"]],
  ["footer", ["class"]],
  ["h1", []],
  ["p", ["class", "id"]],
  ["br", []],
  ["ul", []],
  ["li", []],
  ["bdi", ["class"]],
  ["span", ["class"]],
  ["a", ["class", "href", "rel"]],
  ["form", ["method", "action"]],
  ["label", ["for"]],
  [
    "input",
    [
      ...["id", "type", "name", "value", "inputmode", "autocomplete", "spellcheck", "required"],
      ...["aria-describedby", "aria-invalid"],
    ],
  ],
  ["button", ["type", "name", "value", "class"]],
]);

/** A page of known elements, with nothing that runs or loads. Gives its text. */
export function expectHarmless(page: string): string {
  const { elements, text, style } = parseStrictHtml(page);
  for (const { name, attributes } of elements) {
    expect(allowed.get(name)).toEqual(expect.arrayContaining([...attributes.keys()]));
    const href = name === "link" ? /^data:image\/svg\+xml,/ : /^https?:\/\//;
    if (attributes.has("href")) expect(attributes.get("href")).toMatch(href);
    if (attributes.has("action")) expect(attributes.get("action")).toMatch(/^\/[a-z/]*$/);
  }
  expect(style).not.toMatch(/url|import|expression/i);
  return text;
}
