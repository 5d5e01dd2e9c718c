/** Many networks and names at once, with real traffic. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { greeter } from "../network/traffic.ts";

const NETWORKS = 100;
const subnet = (at: number): string => `10.214.${at}.0/24`;

async function said(fixture: Fixture, from: string, to: string): Promise<string> {
  return (await fixture.tsd("exec", from, "nc", "-w", "2", to, "80")).stdout.trim();
}

async function inTens(count: number, step: (at: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < count; first += 10) {
    await Promise.all(Array.from({ length: Math.min(10, count - first) }, (_, at) => step(first + at)));
  }
}

scenario(
  "networks: a hundred of them",
  {
    "each with two containers that reach each other and no others; after a killed engine": async (fixture) => {
      await inTens(NETWORKS, async (at) => {
        const created = await fixture.tsd("network", "create", "--subnet", subnet(at), `n${at}`);
        expectResult(created, { stdout: /^[0-9a-f]{64}\n$/ });
        for (const role of ["web", "client"]) {
          const command = role === "web" ? greeter(String(at)) : ["sleep", "100000"];
          const flags = [
            "--name",
            `${role}${at}`,
            "--network",
            `n${at}`,
            "--network-alias",
            role,
            "--dns",
            "127.0.0.1",
          ];
          const run = await fixture.tsd("run", "-d", ...flags, fixture.image, ...command);
          expectResult(run, { stdout: /^[0-9a-f]{64}\n$/ });
        }
      });
      const all = async () => {
        await inTens(NETWORKS, async (at) => {
          await fixture.until(
            `an answer in ${at}`,
            async () => await said(fixture, `client${at}`, "web") === `hello ${at}`,
          );
          assert.equal(await said(fixture, `client${at}`, `web${(at + 1) % NETWORKS}`), "");
        });
      };
      await all();
      await fixture.engine.restart("SIGKILL");
      await all();
      await inTens(NETWORKS, async (at) => {
        await fixture.remove(`web${at}`, `client${at}`);
        expectResult(await fixture.tsd("network", "rm", `n${at}`), { stdout: `n${at}\n` });
      });
    },
    "connect and disconnect under traffic never interrupt other containers": async (fixture) => {
      await fixture.tsd("network", "create", "--subnet", subnet(201), "one");
      await fixture.tsd("network", "create", "--subnet", subnet(202), "two");
      const web = ["run", "-d", "--name", "web", "--network", "one", fixture.image, ...greeter("web")];
      expectResult(await fixture.tsd(...web), { stdout: /^[0-9a-f]{64}\n$/ });
      const client = ["run", "-d", "--name", "client", "--network", "one", fixture.image, "sleep", "100000"];
      expectResult(await fixture.tsd(...client), { stdout: /^[0-9a-f]{64}\n$/ });
      // Between two connections the server does not listen, which is not the network's fault.
      const script =
        "fails=0; for i in $(seq 200); do nslookup web >/dev/null || fails=$((fails+1)); done; echo $fails";
      const asking = fixture.tsd("exec", "client", "sh", "-c", script);
      for (let round = 0; round < 20; round++) {
        expectResult(await fixture.tsd("network", "connect", "two", "client"), {});
        expectResult(await fixture.tsd("network", "connect", "two", "web"), {});
        expectResult(await fixture.tsd("network", "disconnect", "two", "web"), {});
        expectResult(await fixture.tsd("network", "disconnect", "two", "client"), {});
      }
      expectResult(await asking, { stdout: "0\n" });
      await fixture.remove("web", "client");
      await fixture.tsd("network", "rm", "one", "two");
    },
  },
  "ip",
  "nft",
);
