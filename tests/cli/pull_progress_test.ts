/** Pull progress: lines are redrawn in place on a real terminal, and are plain lines otherwise. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, pushImage } from "../images/mod.ts";
import { scenario } from "./setup.ts";

scenario("pull on a terminal", {
  "each layer has one line on a terminal; in a pipe each step has one": async (fixture) => {
    const { host, url } = fixture.registry;
    const layers = [0, 1, 2].map((index) => file(`app${index}`, String(index)));
    const image = await layers.reduce((builder, layer) => builder.layer([layer]), busyboxBuilder()).build();
    await pushImage(url, "team/shown", "1", image);
    await using screen = await fixture.screen();
    await screen.line(`$tsd pull ${host}/team/shown:1; echo code=$?`);
    await screen.see(/^code=0$/m);
    const lines = (await screen.text()).split("\n").map((line) => line.trimEnd());
    const ids = lines.filter((line) => /^[0-9a-f]{12}: /.test(line));
    assert.deepEqual(ids.map((line) => line.slice(14)).sort(), ["Already exists", ...Array(3).fill("Pull complete")]);
    assert.equal(new Set(ids.map((line) => line.slice(0, 12))).size, 4);
    assert(lines.includes("1: Pulling from team/shown"), lines.join("\n"));
    assert(lines.includes(`Status: Downloaded newer image for ${host}/team/shown:1`), lines.join("\n"));
    await fixture.tsd("rmi", `${host}/team/shown:1`);
    const piped = await fixture.tsd("pull", `${host}/team/shown:1`);
    assert.equal(piped.stdout.split("\n").filter((line) => line.endsWith(": Pulling fs layer")).length, 3);
    assert(!piped.stdout.includes("\x1b"));
    await fixture.tsd("rmi", `${host}/team/shown:1`);
  },
});
