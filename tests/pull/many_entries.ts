/** A layer of very many empty files (25 of the project's list): the engine answers other clients meanwhile. */
import { strict as assert } from "node:assert";
import { type Engine, processState } from "../harness/mod.ts";
import { ImageBuilder, manyEntriesLayer } from "../images/mod.ts";
import { removeTree } from "../images/test_cache.ts";
import { clearFailure, type PullSetup } from "./setup.ts";
import { type Strain, strainDuring, usualMs } from "./strain.ts";

/** The limit for most answers. */
const USUAL_ANSWER_MS = 100;
/** No thread of the engine may block for longer, even on a busy machine. */
const LONGEST_ANSWER_MS = 1000;

export interface ManyEntriesResult {
  readonly strain: Strain;
  /** The growth of the engine's memory during the pull. */
  readonly growthBytes: number;
}

/** Pulls a layer with that many entries; one with too many is refused with the reason. */
export async function pullManyEntries(
  { engine, registry }: PullSetup,
  count: number,
  expect: "taken" | "refused",
): Promise<ManyEntriesResult> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-many-" });
  try {
    const image = await new ImageBuilder().addLayer(await manyEntriesLayer(count, dir)).build();
    const reference = registry.add("many/entries", String(count), image);
    const before = (await processState(engine.pid)).memoryBytes;
    const strain = await strainDuring(engine, pull(engine, reference, expect), 10);
    const slowestMs = strain.answersMs.at(-1)!;
    assert.ok(usualMs(strain) < USUAL_ANSWER_MS, `one answer of twenty took ${Math.round(usualMs(strain))} ms`);
    assert.ok(slowestMs < LONGEST_ANSWER_MS, `an answer took ${Math.round(slowestMs)} ms`);
    return { strain, growthBytes: strain.memoryBytes - before };
  } finally {
    await removeTree(dir);
  }
}

async function pull(engine: Engine, reference: string, expect: "taken" | "refused"): Promise<void> {
  const result = await engine.tsd(["pull", "-q", reference]);
  if (expect === "taken") assert.deepEqual(result, { code: 0, stdout: `${reference}\n`, stderr: "" });
  else assert.match(clearFailure(result, reference), /more than \d+ entries/);
}
