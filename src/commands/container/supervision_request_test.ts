import { strict as assert } from "node:assert";
import type { ContainerCreateRequest } from "../../api_types/mod.ts";
import { parseFlags, UsageError } from "../../cli/mod.ts";
import { CREATE_FLAGS, type CreateFlagValues } from "./create_flags.ts";
import { createRequest } from "./create_request.ts";

function build(...argv: string[]): Promise<ContainerCreateRequest> {
  const { flags, args } = parseFlags(CREATE_FLAGS, [...argv, "img"], { flagsFirst: true });
  // The parser sets every flag of the specs.
  return createRequest(flags as CreateFlagValues, args, { env: () => undefined, cwd: "/", detached: false });
}

async function refused(...argv: string[]): Promise<string> {
  try {
    await build(...argv);
  } catch (thrown) {
    assert.ok(thrown instanceof UsageError, String(thrown));
    assert.equal(thrown.exitCode, 125);
    return thrown.message;
  }
  return assert.fail(`${argv.join(" ")} was taken`);
}

Deno.test("restart flag: is parsed as the docker CLI does", async () => {
  const policy = async (...argv: string[]) => (await build(...argv)).HostConfig?.RestartPolicy;
  assert.equal(await policy(), undefined);
  assert.equal(await policy("--restart="), undefined);
  assert.deepEqual(await policy("--restart", "always"), { Name: "always", MaximumRetryCount: 0 });
  assert.deepEqual(await policy("--restart=on-failure:3"), { Name: "on-failure", MaximumRetryCount: 3 });
  assert.deepEqual(await policy("--restart=on-failure:"), { Name: "on-failure", MaximumRetryCount: 0 });
  assert.deepEqual(await policy("--restart", "no", "--rm"), { Name: "no", MaximumRetryCount: 0 });
  // The engine checks whether the policy exists.
  assert.deepEqual(await policy("--restart", "foo:-2"), { Name: "foo", MaximumRetryCount: -2 });
  assert.equal(
    await refused("--restart", ":3"),
    "invalid restart policy format: no policy provided before colon",
  );
  for (const text of ["on-failure:x", "on-failure:1:2", "on-failure:1.5"]) {
    assert.equal(
      await refused("--restart", text),
      "invalid restart policy format: maximum retry count must be an integer",
    );
  }
  assert.equal(
    await refused("--restart", "always", "--rm"),
    "conflicting options: cannot specify both --restart and --rm",
  );
});

Deno.test("health flags: each is converted to its field, durations in nanoseconds", async () => {
  const health = async (...argv: string[]) => (await build(...argv)).Healthcheck;
  assert.equal(await health(), undefined);
  assert.equal(await health("--health-interval", "0", "--health-retries", "0", "--health-cmd", ""), undefined);
  assert.deepEqual(await health("--health-cmd", "curl -f x || exit 1"), { Test: ["CMD-SHELL", "curl -f x || exit 1"] });
  const argv =
    "--health-interval 1h1m1.5s --health-timeout 500us --health-retries 2 --health-start-period 1ns --health-start-interval 2s";
  assert.deepEqual(await health(...argv.split(" ")), {
    Interval: 3_661_500_000_000,
    Timeout: 500_000,
    StartPeriod: 1,
    StartInterval: 2_000_000_000,
    Retries: 2,
  });
  assert.deepEqual(await health("--no-healthcheck"), { Test: ["NONE"] });
  const { HostConfig } = await build("--health-cmd", "x", "--health-on-failure", "restart");
  assert.deepEqual(HostConfig?.Annotations, { "io.tsd.health-on-failure": "restart" });
});

Deno.test("health flags: invalid values are refused with the docker CLI's messages", async () => {
  const bad = (flag: string, text: string) => refused(`--${flag}=${text}`);
  const texts = {
    "5": 'missing unit in duration "5"',
    "1h2": 'missing unit in duration "1h2"',
    "abc": 'invalid duration "abc"',
    "": 'invalid duration ""',
    "-": 'invalid duration "-"',
    ".s": 'invalid duration ".s"',
    "5x": 'unknown unit "x" in duration "5x"',
    "1d": 'unknown unit "d" in duration "1d"',
    "1s5 s": 'unknown unit " s" in duration "1s5 s"',
  };
  for (const [text, why] of Object.entries(texts)) {
    assert.equal(
      await bad("health-interval", text),
      `invalid argument "${text}" for "--health-interval" flag: time: ${why}`,
    );
  }
  for (const flag of ["interval", "timeout", "start-period", "start-interval"]) {
    assert.equal(await bad(`health-${flag}`, "-5s"), `--health-${flag} cannot be negative`);
  }
  assert.equal(await bad("health-retries", "-1"), "--health-retries cannot be negative");
  const conflict = "--no-healthcheck conflicts with --health-* options";
  assert.equal(await refused("--no-healthcheck", "--health-cmd", "x"), conflict);
  assert.equal(await refused("--no-healthcheck", "--health-retries", "1"), conflict);
  assert.equal(await refused("--no-healthcheck", "--health-on-failure", "kill"), conflict);
  assert.equal(
    await bad("health-on-failure", "explode"),
    'invalid argument "explode" for "--health-on-failure" flag: give one of none, kill, restart and stop',
  );
});

Deno.test("init flag: is converted to its field", async () => {
  assert.equal((await build("--init")).HostConfig?.Init, true);
  assert.equal((await build("--init=false")).HostConfig?.Init, undefined);
});
