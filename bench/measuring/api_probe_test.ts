import { strict as assert } from "node:assert";
import { EngineApi } from "../../tests/harness/mod.ts";
import { ApiProbe } from "./api_probe.ts";

async function withServer(answer: () => Response | Promise<Response>, body: (api: EngineApi) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  const server = Deno.serve({ path: `${dir}/s`, onListen: () => undefined }, answer);
  try {
    await body(new EngineApi(`${dir}/s`));
  } finally {
    await server.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a probe goes on sending while responses are outstanding, and times each", async () => {
  const enough = Promise.withResolvers<void>();
  let requested = 0;
  const answer = async () => {
    if (++requested === 5) enough.resolve();
    await enough.promise;
    return new Response("{}");
  };
  await withServer(answer, async (api) => {
    const probe = new ApiProbe(api);
    await enough.promise;
    const times = await probe.stop();
    assert.equal(times.length, requested);
    assert(times.every((ms) => ms > 0) && Math.max(...times) >= 20, String(times));
  });
});

Deno.test("an error status fails the probe", async () => {
  const requested = Promise.withResolvers<void>();
  const answer = () => {
    requested.resolve();
    return new Response("", { status: 500 });
  };
  await withServer(answer, async (api) => {
    const probe = new ApiProbe(api);
    await requested.promise;
    await assert.rejects(probe.stop(), /GET \/version: 500/);
  });
});
