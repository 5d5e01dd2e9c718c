/** Containers whose first process, or only a child, is killed for lack of memory. */
import { strict as assert } from "node:assert";
import { startSetup } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { actionsOf, background, nowSeconds } from "./setup.ts";

const LIMIT = ["--memory", "16m"];
const RUN = ["run", "--network", "none", ...LIMIT];

Deno.test({
  name: "oom: OOMKilled means that the first process was the victim, the event that there was one",
  ...requires("root", "runc", "docker"),
  async fn() {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const cases: { name: string; command: string[]; code: number; killed: boolean; actions: string[] }[] = [
      { name: "itself", command: ["tail", "/dev/zero"], code: 137, killed: true, actions: ["start", "oom", "die"] },
      {
        name: "child",
        command: ["sh", "-c", "tail /dev/zero; exit 137"],
        ...{ code: 137, killed: false, actions: ["start", "oom", "die"] },
      },
      {
        name: "survivor",
        command: ["sh", "-c", "tail /dev/zero; true"],
        code: 0,
        killed: false,
        actions: ["start", "oom", "die"],
      },
      { name: "suicide", command: ["sh", "-c", "kill -9 $$"], code: 0, killed: false, actions: ["start", "die"] },
      { name: "nothing", command: ["true"], code: 0, killed: false, actions: ["start", "die"] },
    ];
    for (const { name, command, killed, actions, code } of cases) {
      const since = nowSeconds();
      const result = await engine.docker([...RUN, "--name", name, image, ...command]);
      if (name !== "suicide") assert.equal(result.code, code, name);
      const answer = await engine.api.get(`/containers/${name}/json`);
      const { State } = answer.json<{ State: { OOMKilled: boolean; ExitCode: number } }>();
      assert.equal(State.OOMKilled, killed, name);
      const reported = (await actionsOf(engine, name, since)).filter((action) =>
        ["start", "oom", "die"].includes(action)
      );
      assert.deepEqual(reported, actions, name);
    }
  },
});

Deno.test({
  name: "oom: a child's OOM kill is reported while the container runs; a later docker kill is no OOM; 20 times right",
  ...requires("root", "runc", "docker"),
  async fn() {
    await using setup = await startSetup();
    const { engine, image } = setup;
    await background(setup, "host", {
      client: "docker",
      flags: LIMIT,
      command: ["sh", "-c", "tail /dev/zero; sleep 1000"],
    });
    const query = `since=0&until=${Math.ceil(Date.now() / 1000) + 20}&filters=${
      encodeURIComponent('{"event":["oom"]}')
    }`;
    using stream = await engine.api.stream("GET", `/events?${query}`);
    let reported = 0;
    for await (const _line of stream.lines()) if (++reported === 1) break;
    assert.equal(reported, 1);
    await engine.tsd(["kill", "host"]);
    const killed = (await engine.api.get("/containers/host/json")).json<{ State: { OOMKilled: boolean } }>();
    assert.equal(killed.State.OOMKilled, false);

    for (let round = 0; round < 20; round++) {
      const name = `hog${round}`;
      assert.equal((await engine.docker([...RUN, "--name", name, image, "tail", "/dev/zero"])).code, 137);
      const { State } = (await engine.api.get(`/containers/${name}/json`)).json<{ State: { OOMKilled: boolean } }>();
      assert.equal(State.OOMKilled, true, name);
    }
  },
});
