import { strict as assert } from "node:assert";
import { type Bar, barChart } from "./bar_chart.ts";

const bar = (label: string, value: number): Bar => ({ label, value, text: `${value} s`, color: "#123" });
const widths = (svg: string): number[] =>
  [...svg.matchAll(/width="(\d+)" height="14"/g)].map(([, width]) => Number(width));

Deno.test("a bar's length is proportional to the longest one of its group", () => {
  const svg = barChart([
    { title: "small", bars: [bar("a", 1), bar("b", 4)] },
    { title: "large", bars: [bar("a", 100), bar("b", 50)] },
  ]);
  const [a, b, c, d] = widths(svg);
  assert.deepEqual([a! * 4, c, d! * 2], [b, b, b]);
});

Deno.test("the smallest bar is one pixel wide", () => {
  assert.equal(widths(barChart([{ title: "t", bars: [bar("a", 0.001), bar("b", 1000)] }]))[0], 1);
});

Deno.test("markup in text is escaped", () => {
  const svg = barChart([{ title: "a < b", bars: [bar("x & y", 1)] }]);
  assert(svg.includes("a &lt; b") && svg.includes("x &amp; y"), svg);
});

Deno.test("the picture's height grows with the number of groups", () => {
  const [one, two] = [1, 2].map((groups) => {
    const svg = barChart(Array.from({ length: groups }, () => ({ title: "t", bars: [bar("a", 1)] })));
    return Number(/<svg .*? height="(\d+)"/.exec(svg)?.[1]);
  });
  assert(two! > one!);
});
