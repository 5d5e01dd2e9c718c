import { strict as assert } from "node:assert";
import { parseUpdateRequest } from "./update_request.ts";

Deno.test("update: given values change, empty ones stay", () => {
  const zeroes = { Memory: 0, MemorySwap: 0, CpusetCpus: "", Ulimits: null, Devices: [], MemorySwappiness: -1 };
  assert.deepEqual(parseUpdateRequest(zeroes), { limits: {}, restartPolicy: undefined });
  const body = { ...zeroes, Memory: 64, CpuShares: 5, RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } };
  assert.deepEqual(parseUpdateRequest(body), {
    limits: { Memory: 64, CpuShares: 5 },
    restartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
  });
  assert.deepEqual(parseUpdateRequest({ RestartPolicy: { Name: "" } }).restartPolicy, undefined);
});

Deno.test("update: any number below 1 means no limit on processes", () => {
  for (const PidsLimit of [0, -1, -5]) assert.deepEqual(parseUpdateRequest({ PidsLimit }).limits, { PidsLimit: 0 });
  assert.deepEqual(parseUpdateRequest({ PidsLimit: null }).limits, {});
});

Deno.test("update: what cannot be changed, and values of the wrong type, are refused", () => {
  const fixed = "can't be changed after its creation";
  const refused: readonly (readonly [unknown, string, string])[] = [
    [[], "invalid_argument", "Invalid container configuration: The body must be an object"],
    [{ Memory: "1g" }, "invalid_argument", "Invalid container configuration: Resources.Memory must be a whole number"],
    [{ RestartPolicy: [] }, "invalid_argument", "Invalid container configuration: RestartPolicy must be an object"],
    [
      { RestartPolicy: { Name: "odd" } },
      "invalid_argument",
      "invalid restart policy: unknown policy 'odd'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
    [{ Devices: [{}] }, "not_implemented", `Cannot update the container: --device ${fixed}`],
    [{ MemorySwappiness: 5 }, "not_implemented", `Cannot update the container: --memory-swappiness ${fixed}`],
    [{ OomKillDisable: true }, "not_implemented", `Cannot update the container: --oom-kill-disable ${fixed}`],
    [{ CgroupParent: "/x" }, "not_implemented", `Cannot update the container: --cgroup-parent ${fixed}`],
  ];
  for (const [body, code, message] of refused) assert.throws(() => parseUpdateRequest(body), { code, message });
});
