import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { type FakeRegistry, fastLimitsClient, startRegistry } from "./registry_testing.ts";

const tagsOf = (registry: FakeRegistry) => fastLimitsClient().listTags(registry.ref("team/web"));

Deno.test("tags are listed page by page", async () => {
  const pages: Record<string, Response> = {
    "": Response.json({ name: "team/web", tags: ["1", "2"] }, {
      headers: { link: '</v2/team/web/tags/list?last=2&n=2>; rel="next"' },
    }),
    "?last=2&n=2": Response.json({ name: "team/web", tags: ["latest", "2"] }),
  };
  await using registry = startRegistry((request) => pages[new URL(request.url).search]!);
  assert.deepEqual(await tagsOf(registry), ["1", "2", "latest"]);
  assert.deepEqual(registry.paths(), ["/v2/team/web/tags/list", "/v2/team/web/tags/list"]);
});

Deno.test("a repository without tags", async () => {
  await using registry = startRegistry(() => Response.json({ name: "team/web", tags: null }));
  assert.deepEqual(await tagsOf(registry), []);
});

Deno.test("endless pages and invalid responses are rejected", async () => {
  const rows: readonly (readonly [answer: () => Response, code: string])[] = [
    [() => Response.json({ tags: ["1"] }, { headers: { link: "</v2/?last=1>; rel=next" } }), "registry_protocol"],
    [() => new Response("<html>"), "registry_protocol"],
    [() => Response.json({ tags: ["../evil"] }), "registry_protocol"],
    [() => Response.json({ errors: [{ code: "NAME_UNKNOWN" }] }, { status: 404 }), "registry_denied"],
  ];
  for (const [answer, code] of rows) {
    await using registry = startRegistry(answer);
    await assert.rejects(tagsOf(registry), (error: Error) => isTsdError(error) && error.code === code);
  }
});
