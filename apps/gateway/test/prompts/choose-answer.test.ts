import { expect, test } from "vitest";
import { chooseAnswer } from "../../src/prompts/choose-answer.ts";

const file = (filename: string, type = "output") => ({ filename, subfolder: "", type });
const outputs = {
  "1": { images: [file("preview.png", "temp")], text: ["one", "two"] },
  "2": { images: [file("a.webp"), file("b.png")], animated: [true] },
  "3": { audio: [file("c.flac")], latents: [file("d.latent")], svgs: [file("e.svg")] },
};

test.each([
  ["image/png", "b.png", "image/png"],
  ["image/*", "a.webp", "image/webp"],
  ["image/webp;q=0.5, image/png", "b.png", "image/png"],
  ["image/apng", "b.png", "image/apng"],
  ["image/svg+xml", "e.svg", "image/svg+xml"],
  ["audio/*", "c.flac", "audio/flac"],
  ["application/octet-stream", "d.latent", "application/octet-stream"],
  ["image/gif", "a.webp", "image/webp"],
  ["video/mp4", "a.webp", "image/webp"],
])("%s is answered with %s", (accept, filename, type) => {
  expect(chooseAnswer(outputs, accept)).toMatchObject({ form: "file", file: { filename }, type });
});

test.each([undefined, "*/*", "application/json", "application/json, image/png;q=0.9"])(
  "%s is answered with all there is",
  (accept) => {
    expect(chooseAnswer(outputs, accept)).toEqual({ form: "json" });
  },
);

test("texts that nodes show are to be had as text", () => {
  expect(chooseAnswer(outputs, "text/plain")).toEqual({ form: "text", text: "one\ntwo" });
  expect(chooseAnswer({ "1": { text: ["only"] } }, "image/png")).toEqual({ form: "json" });
});

test("there is nothing only where nothing was shown", () => {
  expect(chooseAnswer({}, "image/png")).toEqual({ form: "nothing" });
  expect(chooseAnswer({ "1": { value: [1] } }, "image/png")).toEqual({ form: "json" });
});
