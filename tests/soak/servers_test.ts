/**
 * nginx, redis and PostgreSQL on a user-defined network, with their data on volumes, through restarts of everything:
 * acknowledged data is never lost. Takes a minute, and longer if the images have to be built.
 */
import { strict as assert } from "node:assert";
import { type Setup, startSetup, stateOf, until } from "../engine/setup.ts";
import { serverImages, type ServerName } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { print, Times } from "./figures.ts";

const SUBNET = "10.231.77.0/24";
/** For machines and engines without DNS on networks. */
const ADDRESSES = { db: "10.231.77.10", cache: "10.231.77.11", back: "10.231.77.12", web: "10.231.77.13" } as const;
const WAIT_MS = 60_000;

/** Stores increasing numbers in all servers, prints each one once it was acknowledged, and puts it on the page. */
const CLERK = `
n=0
until psql -qh db -U postgres -c 'create table if not exists told (n int primary key)' 2>/dev/null; do sleep 0.1; done
n=$(psql -Atqh db -U postgres -c 'select coalesce(max(n), 0) from told')
while :; do
  n=$((n+1))
  until psql -qh db -U postgres -c "insert into told values ($n) on conflict do nothing" 2>/dev/null; do sleep 0.1; done
  until [ "$(redis-cli -h cache set told $n 2>/dev/null)" = OK ]; do sleep 0.1; done
  echo $n >/data/site/.new && mv /data/site/.new /data/site/told
  echo stored $n
done`;

class Site {
  readonly #setup: Setup;
  readonly #images: Readonly<Record<ServerName, string>>;
  port = "";

  constructor(setup: Setup, images: Readonly<Record<ServerName, string>>) {
    this.#setup = setup;
    this.#images = images;
  }

  /** @throws AssertionError with the client's output */
  async tsd(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#setup.engine.tsd(args);
    assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    return stdout.trimEnd();
  }

  async open(): Promise<void> {
    await this.tsd("network", "create", "--subnet", SUBNET, "app");
    await this.#start("postgres", "db", ["-v", "db:/data/postgres", "--stop-timeout", "30"]);
    await this.#start("redis", "cache", ["-v", "cache:/data/redis"]);
    await this.#start("nginx", "back", ["-v", "site:/data/site"]);
    await this.#start("nginx", "web", ["-e", "BACKEND=back", "-p", "127.0.0.1::8080"]);
    await this.#start("postgres", "clerk", ["-u", "www-data", "-v", "site:/data/site"], ["sh", "-c", CLERK]);
    await this.findPort();
  }

  async findPort(): Promise<void> {
    this.port = (await this.tsd("port", "web", "8080")).replace(/^.*:/, "");
  }

  /** Names come from the engine's DNS, if available, else from a hosts file. */
  async #start(server: ServerName, name: string, flags: string[], command: string[] = []): Promise<void> {
    const address = name in ADDRESSES ? ["--ip", ADDRESSES[name as keyof typeof ADDRESSES]] : [];
    const names = await this.#hasNames()
      ? []
      : Object.entries(ADDRESSES).flatMap((each) => ["--add-host", each.join(":")]);
    const run = ["run", "-d", "--name", name, "--network", "app", ...address, ...names, "--restart", "always"];
    await this.tsd(...run, ...flags, this.#images[server], ...command);
  }

  #names: Promise<boolean> | undefined;

  /** Reports whether containers resolve each other's names through the engine. */
  #hasNames(): Promise<boolean> {
    return this.#names ??= (async () => {
      await this.tsd("run", "-d", "--name", "probe", "--network", "app", this.#images.nginx, "sleep", "60");
      const look = ["run", "--rm", "--network", "app", this.#images.nginx, "getent", "hosts", "probe"];
      const { code } = await this.#setup.engine.tsd(look);
      await this.tsd("rm", "-fv", "probe");
      return code === 0;
    })();
  }

  get isNamed(): Promise<boolean> {
    return this.#hasNames();
  }

  /** Returns the number on the page: host → web → back, by name, from the volume that the clerk writes to. */
  async page(): Promise<number> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.port}/told`, { signal: AbortSignal.timeout(5000) });
      const text = await answer.text();
      return answer.status === 200 ? Number(text) : NaN;
    } catch {
      return NaN;
    }
  }

  /** Returns the last number that all servers acknowledged to the clerk. */
  async acknowledged(): Promise<number> {
    const lines = (await this.tsd("logs", "clerk")).split("\n").filter((line) => line.startsWith("stored "));
    return Number(lines.at(-1)?.slice("stored ".length) ?? 0);
  }

  /** Checks that acknowledged numbers are stored, in order and without a gap, and that new ones follow. */
  async check(): Promise<number> {
    const before = await this.acknowledged();
    await until("the page to go on", async () => await this.page() > before, WAIT_MS);
    const requested = "select count(*), max(n) from told";
    const [count, max] = (await this.tsd("exec", "db", "psql", "-Ath", "/tmp", "-U", "postgres", "-c", requested))
      .split(
        "|",
      );
    assert.equal(count, max, "no number is missing");
    assert.ok(Number(max) >= before, `${max} of ${before} in the database`);
    const cached = Number(await this.tsd("exec", "cache", "redis-cli", "get", "told"));
    assert.ok(cached >= before, `${cached} of ${before} in redis`);
    return Number(max);
  }
}

Deno.test({
  name: "nginx, redis and PostgreSQL on volumes, through restarts of everything",
  ...requires("root", "runc", "ip", "nft"),
  async fn(test) {
    const made = await serverImages();
    await using setup = await startSetup();
    const { engine, registry } = setup;
    const references: Partial<Record<ServerName, string>> = {};
    for (const name of Object.keys(made) as ServerName[]) {
      const reference = references[name] = registry.add(name, "1", made[name]);
      assert.equal((await engine.tsd(["pull", "-q", reference])).code, 0);
    }
    const site = new Site(setup, references as Record<ServerName, string>);
    const all = ["db", "cache", "back", "web", "clerk"];
    const times = new Times();
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      "everything starts": () => site.open(),
      "each container is restarted": () => site.tsd("restart", ...all),
      "one after the other, in the wrong order": async () => {
        for (const name of all) await site.tsd("restart", "-t", "20", name);
      },
      "the engine is stopped and started, without effect on the site": async () => {
        const pids = await Promise.all(all.map(async (name) => (await stateOf(engine, name)).Pid));
        const before = await site.page();
        await engine.stop("SIGTERM");
        await until("the site without an engine", async () => await site.page() > before, WAIT_MS);
        await engine.start();
        assert.deepEqual(await Promise.all(all.map(async (name) => (await stateOf(engine, name)).Pid)), pids);
      },
      "the engine is killed five times": async () => {
        for (let kill = 0; kill < 5; kill++) {
          await engine.stop("SIGKILL");
          await engine.start();
          await until("the page", async () => !Number.isNaN(await site.page()), WAIT_MS);
        }
      },
      "the engine re-executes itself": () => site.tsd("-H", engine.host, "daemon", "reload"),
      "servers are killed": async () => {
        for (const name of all) await site.tsd("kill", name);
        await site.tsd("start", ...all);
      },
      "engine and servers are killed at once, as in a crash of the machine": async () => {
        const pids = await Promise.all(all.map(async (name) => (await stateOf(engine, name)).Pid));
        await engine.stop("SIGKILL");
        for (const pid of pids) Deno.kill(pid, "SIGKILL");
        await engine.start();
        for (const name of all) {
          await until(name, async () => (await stateOf(engine, name)).Status === "running", WAIT_MS);
        }
      },
      "all containers are recreated on the same volumes": async () => {
        await site.tsd("rm", "-f", ...all);
        await site.tsd("network", "rm", "app");
        await site.open();
      },
    };
    for (const [step, body] of Object.entries(steps)) {
      await test.step(step, async () => {
        await body();
        await site.findPort();
        await times.measure(() => site.check());
      });
    }
    print("names by", await site.isNamed ? "the engine's name server" : "--add-host");
    print("stored", await site.acknowledged(), "numbers");
    print("until all was there again", times);
    await site.tsd("rm", "-fv", ...all);
    await site.tsd("volume", "rm", "db", "cache", "site");
    await site.tsd("network", "rm", "app");
  },
});
