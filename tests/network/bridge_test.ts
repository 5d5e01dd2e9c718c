/** Containers on the default bridge, with real traffic on this machine; see also `ports_test.ts`. */
import { strict as assert } from "node:assert";
import { expectResult, scenario } from "../cli/setup.ts";
import { tracesOf } from "../harness/mod.ts";
import { ADDRESS, addressOf, answer, serve } from "./traffic.ts";

scenario(
  "networks: the default bridge",
  {
    "a container has an address, outgoing connectivity and a name": async (fixture) => {
      const script = "ip -4 -o addr show eth0; ip route; cat /etc/hosts; cat /sys/class/net/lo/operstate";
      const { stdout, stderr } = await fixture.tsd(
        "run",
        "--rm",
        "--hostname",
        "box",
        fixture.image,
        "sh",
        "-c",
        script,
      );
      assert.equal(stderr, "");
      const [, address, prefix] = new RegExp(`inet (${ADDRESS})/(\\d+) `).exec(stdout) ?? [];
      assert.ok(address !== undefined && Number(prefix) <= 24, stdout);
      assert.match(stdout, new RegExp(`^default via ${ADDRESS} dev eth0`, "m"));
      assert.ok(stdout.includes(`${address}\tbox\n`), stdout);
    },
    "containers reach each other and the host; the host reaches them": async (fixture) => {
      const web = await serve(fixture, "web", []);
      assert.equal(await answer(web, 80), "hello web\n");
      // A bridge without a fixed MAC address takes a port's: peers would send to the old one for seconds.
      const { engineId } = tracesOf(fixture.engine.dataRoot);
      const mac = () => Deno.readTextFileSync(`/sys/class/net/tsd${engineId}0/address`).trim();
      const [, ...bytes] = /(\d+)\.(\d+)\.(\d+)\.(\d+)/.exec(web)!.map(Number);
      const own = [...bytes.slice(0, 3), 1].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
      assert.equal(mac(), `02:42:${own}`);
      const ask = async (address: string, port: number) =>
        await fixture.tsd("run", "--rm", fixture.image, "nc", "-w", "3", address, String(port));
      expectResult(await ask(web, 80), { stdout: "hello web\n" });
      const gateway = (await fixture.tsd("inspect", "-f", "{{.NetworkSettings.Gateway}}", "web")).stdout.trim();
      using host = Deno.listen({ hostname: gateway, port: 0 });
      const greet = async () => {
        using connection = await host.accept();
        await connection.write(new TextEncoder().encode("hello host\n"));
        return connection.remoteAddr.hostname;
      };
      const [requested, from] = await Promise.all([ask(gateway, host.addr.port), greet()]);
      expectResult(requested, { stdout: "hello host\n" });
      assert.notEqual(from, gateway);
      assert.equal(mac(), `02:42:${own}`);
      await fixture.remove("web");
    },
    "inspect shows the endpoint while the container runs": async (fixture) => {
      const address = await serve(fixture, "web", []);
      const settings = async () =>
        JSON.parse((await fixture.tsd("inspect", "-f", "{{json .NetworkSettings}}", "web")).stdout);
      const running = await settings();
      assert.equal(running.IPAddress, address);
      assert.equal(running.Networks.bridge.IPAddress, address);
      assert.match(running.Networks.bridge.NetworkID, /^[0-9a-f]{64}$/);
      assert.match(running.MacAddress, /^02:42:/);
      assert.ok((await Deno.stat(running.SandboxKey)).isFile);
      expectResult(await fixture.tsd("ps", "--format", "{{.Networks}}", "--filter", "network=bridge"), {
        stdout: "bridge\n",
      });
      expectResult(await fixture.tsd("stop", "-t", "0", "web"), { stdout: "web\n" });
      const stopped = await settings();
      assert.deepEqual([stopped.IPAddress, stopped.Networks.bridge.IPAddress, stopped.SandboxKey], ["", "", ""]);
      await fixture.remove("web");
    },
    "events report when a container connects and disconnects": async (fixture) => {
      const since = String(Date.now() / 1000);
      await fixture.tsd("run", "--rm", "--name", "short", fixture.image, "true");
      const listed = await fixture.tsd(
        "events",
        "--since",
        since,
        "--until",
        "0s",
        "--format",
        "{{.Type}} {{.Action}}",
      );
      const reported = listed.stdout.trim().split("\n");
      const inOrder = ["container create", "network connect", "container start", "container die"];
      assert.deepEqual(reported.filter((event) => inOrder.includes(event)), inOrder);
      assert.ok(reported.indexOf("network disconnect") > reported.indexOf("container die"), reported.join());
      assert.equal(reported.at(-1), "container destroy");
    },
    "--network container: shares addresses and names; conflicting options are refused": async (fixture) => {
      const address = await serve(fixture, "web", []);
      const script = "nc -w 3 127.0.0.1 80; hostname; tail -n 1 /etc/hosts";
      const joined = ["run", "--rm", "--network", "container:web", fixture.image, "sh", "-c", script];
      const id = (await fixture.tsd("inspect", "-f", "{{.Id}}", "web")).stdout.slice(0, 12);
      const expected = { stdout: `hello web\n${id}\n${address}\t${id}\n` };
      expectResult(await fixture.tsd(...joined), expected);
      expectResult(await fixture.docker(...joined), expected);
      expectResult(await fixture.tsd("run", "--rm", "--network", "container:absent", fixture.image, "true"), {
        code: 125,
        stderr: /joining network namespace of container: No such container: absent\n/,
      });
      expectResult(await fixture.tsd("stop", "-t", "0", "web"), { stdout: "web\n" });
      expectResult(await fixture.tsd("run", "--rm", "--network", "container:web", fixture.image, "true"), {
        code: 125,
        stderr: /cannot join network namespace of a non running container: container web is exited\n/,
      });
      expectResult(await fixture.tsd("run", "--network", "container:web", "-p", "80", fixture.image, "true"), {
        code: 125,
        stderr: /conflicting options: port publishing and the container type network mode\n/,
      });
      await fixture.remove("web");
    },
    "--network container: a container that joined one that exits keeps no address that others can get": async (
      fixture,
    ) => {
      await serve(fixture, "web", []);
      const join = ["run", "-d", "--name", "joined", "--network", "container:web", fixture.image, "sleep", "1000"];
      expectResult(await fixture.tsd(...join), { stdout: /^[0-9a-f]{64}\n$/ });
      const addresses = async () => (await fixture.tsd("exec", "joined", "ip", "-4", "-o", "addr")).stdout;
      assert.match(await addresses(), /eth0/);
      expectResult(await fixture.tsd("stop", "-t", "0", "web"), { stdout: "web\n" });
      await fixture.until("the address to go", async () => !(await addresses()).includes("eth0"));
      expectResult(await fixture.tsd("start", "web"), { stdout: "web\n" });
      assert.doesNotMatch(await addresses(), /eth0/);
      expectResult(await fixture.tsd("restart", "-t", "0", "joined"), { stdout: "joined\n" });
      assert.match(await addresses(), /eth0/);
      await fixture.remove("joined", "web");
    },
    "containers of a killed engine keep their addresses; the next engine assigns others": async (fixture) => {
      const web = await serve(fixture, "web", []);
      await fixture.engine.restart("SIGKILL");
      assert.equal(await answer(web, 80), "hello web\n");
      assert.equal(await addressOf(fixture, "web"), web);
      const other = await serve(fixture, "other", []);
      assert.notEqual(other, web);
      expectResult(await fixture.tsd("run", "--rm", fixture.image, "nc", "-w", "3", web, "80"), {
        stdout: "hello web\n",
      });
      await fixture.remove("web", "other");
    },
    "leftovers of a container that a killed engine ran are removed": async (fixture) => {
      await serve(fixture, "web", []);
      const format = "{{.State.Pid}} {{.NetworkSettings.SandboxKey}}";
      const [pid, path = ""] = (await fixture.tsd("inspect", "-f", format, "web")).stdout.trim().split(" ");
      await fixture.engine.stop("SIGKILL");
      Deno.kill(Number(pid), "SIGKILL");
      await fixture.engine.start();
      await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
      await fixture.remove("web");
    },
  },
  "ip",
  "nft",
);
