import { strict as assert } from "node:assert";
import { pluginDeclarations } from "./declarations.ts";
import { HOOK_NAMES } from "./hooks.ts";
import { hooksPage } from "./hooks_doc.ts";

const GOLDEN = new URL("../../docs/hooks.md", import.meta.url);

Deno.test("docs/hooks.md matches the table (./dev golden rewrites it)", async () => {
  const page = hooksPage();
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, page);
  assert.equal(page, await Deno.readTextFile(GOLDEN));
});

const PLUGIN = `
import type { Plugin } from "./tsd.d.ts";

export default {
  name: "guard",
  apiVersion: 1,
  order: "pre",
  hooks: {
    "image.verify": ({ reference, layers }) => layers.length > 100 ? { refuse: \`\${reference} is too much\` } : null,
    "container.create": async ({ labels }, { storage, signal }) => {
      signal.throwIfAborted();
      await storage.set("seen", { labels: Object.keys(labels) });
      return { env: { SEEN: "1" }, mounts: [{ type: "bind", source: "/srv", target: "/srv" }] };
    },
    "container.exited": ({ name, exitCode }, { log }) => log.info("it has ended", { name, exitCode }),
    "prune.plan": ({ things }) => things.filter(({ labels }) => "keep" in labels).map(({ id }) => id),
  },
} satisfies Plugin;
`;

const WRONG = `
import type { Plugin } from "./tsd.d.ts";

export default { name: "x", apiVersion: 1, hooks: { "image.verify": () => ({ refuse: 7 }) } } satisfies Plugin;
`;

Deno.test("the declarations have every hook and type-check plugins", async () => {
  const declarations = pluginDeclarations();
  for (const hook of HOOK_NAMES) assert.ok(declarations.includes(`"${hook}"`), hook);
  const dir = await Deno.makeTempDir({ prefix: "tsd-declarations-" });
  try {
    await Deno.writeTextFile(`${dir}/deno.json`, "{}");
    await Deno.writeTextFile(`${dir}/tsd.d.ts`, declarations);
    await Deno.writeTextFile(`${dir}/plugin.ts`, PLUGIN);
    await Deno.writeTextFile(`${dir}/wrong.ts`, WRONG);
    assert.deepEqual(await checked(dir, "plugin.ts"), { success: true, stderr: "" });
    const wrong = await checked(dir, "wrong.ts");
    assert.match(wrong.stderr, /'number' is not assignable to type 'string/);
    assert.equal(wrong.success, false);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function checked(dir: string, file: string): Promise<{ success: boolean; stderr: string }> {
  const check = new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--no-remote", file],
    cwd: dir,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  });
  const { success, stderr } = await check.output();
  return { success, stderr: new TextDecoder().decode(stderr).trim() };
}
