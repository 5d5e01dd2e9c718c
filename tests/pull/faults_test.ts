/** A faulty registry: one clear line, exit code 1, nothing listed, nothing left, and the next pull works. */
import { strict as assert } from "node:assert";
import { busyboxBuilder, file, type Image } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { FAST_FAULTS, type FaultCase, PATIENT_FAULTS } from "./fault_cases.ts";
import {
  clearFailure,
  listedImages,
  pruneDownloads,
  pullGoodImage,
  type PullSetup,
  startPullSetup,
  storeChanges,
  storeListing,
} from "./setup.ts";

/** Builds busybox with a unique layer and config, so that they must be fetched. */
function imageFor(name: string): Promise<Image> {
  return busyboxBuilder().layer([file("own", name.repeat(10_000))], { compression: "none" }).build();
}

async function tryCase({ engine, registry }: PullSetup, fault: FaultCase): Promise<void> {
  const image = await imageFor(fault.name);
  const served = registry.add(fault.name, "1", image);
  const prefix = `/v2/${fault.name}`;
  registry.fail(...(fault.faults ?? []).map((each) => ({ ...each, path: `${prefix}/${each.path}` })));
  const reference = fault.reference?.(registry.host, image.top.digest) ?? served;
  const line = clearFailure(await engine.tsd(["pull", reference]), fault.name);
  const repo = reference.replace(/(@.*|:\w+)$/, "");
  const shown = line.replaceAll(reference, "REF").replaceAll(repo, "REPO").replaceAll(registry.host, "HOST");
  if (typeof fault.says === "string") assert.equal(shown, fault.says, fault.name);
  else assert.match(shown, fault.says, fault.name);
  const requests = registry.requestsFor(`${prefix}/*`).length;
  assert.ok(requests <= fault.requestsAtMost, `${fault.name}: ${requests} requests`);
}

/**
 * Checks that failed pulls left only complete layers, which prune removes, and that each pull works with an honest
 * registry.
 */
async function checkAfter(setup: PullSetup, cases: readonly FaultCase[], before: readonly string[]): Promise<void> {
  const { engine, registry } = setup;
  await pruneDownloads(engine);
  assert.deepEqual(await storeChanges(engine, before), []);
  assert.equal((await listedImages(engine)).length, 1);
  registry.heal();
  await Promise.all(cases.map(({ name }) => pullByApi(setup, name)));
}

async function pullByApi({ engine, registry }: PullSetup, repo: string): Promise<void> {
  registry.add(repo, "1", await imageFor(repo));
  const answer = await engine.api.post(`/images/create?fromImage=${registry.host}/${repo}&tag=1`);
  assert.match(String(answer.jsonLines().at(-1)?.status), /^Status: Downloaded newer image/, repo);
}

Deno.test({
  name: "a faulty registry is reported in one line, and only complete layers are left",
  ...requires("root", "overlay"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await pullGoodImage(setup);
    const before = await storeListing(setup.engine);
    for (const each of FAST_FAULTS) {
      await test.step(each.name, async () => {
        await tryCase(setup, each);
        await pruneDownloads(setup.engine);
        assert.deepEqual(await storeChanges(setup.engine, before), []);
      });
    }
    await test.step("an honest image works afterwards", () => checkAfter(setup, FAST_FAULTS, before));
  },
});

Deno.test({
  name: "pulls from a registry that keeps failing are abandoned",
  ...requires("root", "overlay"),
  fn: async () => {
    await using setup = await startPullSetup();
    await pullGoodImage(setup);
    const before = await storeListing(setup.engine);
    await Promise.all(PATIENT_FAULTS.map((each) => tryCase(setup, each)));
    await checkAfter(setup, PATIENT_FAULTS, before);
  },
});
