/** Attached clients lose no output that containers print between an engine's SIGKILL and the next start. */
import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { exists, startSetup, until } from "./setup.ts";

/** Prints a line each time a gate file appears. */
const LINES = `for n in 1 2 3; do
  while [ ! -e /gates/$1.$n ]; do usleep 3000; done
  echo line $n; touch /gates/$1.$n.printed
done`;

Deno.test({
  name: "what run, exec and attach print while no engine runs reaches their clients after the next start",
  ...requires("root", "runc"),
  fn: async () => {
    await using setup = await startSetup();
    const { engine, image } = setup;
    const gates = `${engine.dir}/gates`;
    await Deno.mkdir(gates);
    const script = (who: string) => ["sh", "-c", LINES, "sh", who];
    const asRun = (name: string, ...flags: string[]) => [
      ...["run", ...flags, "--name", name, "--network", "none", "-v", `${gates}:/gates`, image],
    ];
    assert.equal((await engine.tsd([...asRun("box", "-d"), "sleep", "1000"])).code, 0);
    assert.equal((await engine.tsd([...asRun("attached", "-d"), ...script("attach")])).code, 0);
    // By the engine and by a client process, with a pipe and with a terminal.
    const alone = ["-H", engine.host];
    const commands = {
      run: [...asRun("run", "--rm"), ...script("run")],
      ran: [...alone, ...asRun("ran", "--rm", "-t"), ...script("ran")],
      exec: ["exec", "box", ...script("exec")],
      execd: [...alone, "exec", "box", ...script("execd")],
      terminal: [...alone, "exec", "-t", "box", ...script("terminal")],
      attach: [...alone, "attach", "--no-stdin", "attached"],
    };
    const names = Object.keys(commands);
    await using undo = new AsyncDisposableStack();
    const sessions = Object.values(commands).map((args) => undo.use(engine.session("tsd", args)));
    const letPrint = (n: number) => Promise.all(names.map((name) => Deno.writeTextFile(`${gates}/${name}.${n}`, "")));
    await until("attached", async () => {
      const { stdout } = await engine.tsd(["events", "--since", "1h", "--until", "0s", "-f", "event=attach"]);
      return stdout.split("\n").filter((line) => line.includes("attached")).length > 0;
    });
    await letPrint(1);
    for (const session of sessions) await session.waitFor("line 1");
    await engine.stop("SIGKILL");
    await letPrint(2);
    for (const name of names) await until(`${name}'s line`, () => exists(`${gates}/${name}.2.printed`));
    await engine.start();
    await letPrint(3);
    for (const [index, session] of sessions.entries()) {
      const { code, stdout } = await session.wait();
      assert.deepEqual([names[index], code, stdout.replaceAll("\r", "")], [
        names[index],
        0,
        "line 1\nline 2\nline 3\n",
      ]);
    }
  },
});
