/**
 * Every route of the API, including routes added later: with names of missing objects, with invalid bodies, and in
 * unsupported versions. The engine reports the error in one line with Docker's status, and changes nothing.
 */
import { strict as assert } from "node:assert";
import { allRoutes } from "../../src/api/routes/mod.ts";
import type { Engine } from "../../src/engine/mod.ts";
import { type Fixture, scenario, type Step } from "../cli/setup.ts";
import { ask, assertClear, problemsOf, SEGMENTS } from "./wrong_values.ts";

/** The routes of an engine whose nouns have no parts: no handler is called here. */
const ROUTES = allRoutes(new Proxy({}, { get: () => ({ layers: {} }) }) as Engine);

/** Routes that read JSON, and concrete paths for them: UP is a container, EXEC an exec in it. */
const WITH_JSON: readonly (readonly [path: string, about: string])[] = [
  ["/auth", "/auth"],
  ["/containers/create", "/containers/create"],
  ["/containers/{id*}/exec", "/containers/UP/exec"],
  ["/containers/{id*}/update", "/containers/UP/update"],
  ["/exec/{id*}/start", "/exec/EXEC/start"],
  ["/tsd/prune", "/tsd/prune"],
  ["/networks/create", "/networks/create"],
  ["/networks/{id}/connect", "/networks/bridge/connect"],
  ["/networks/{id}/disconnect", "/networks/bridge/disconnect"],
  ["/volumes/create", "/volumes/create"],
  ["/tsd/plugins", "/tsd/plugins"],
  ["/tsd/plugins/look", "/tsd/plugins/look"],
  ["/tsd/plugins/test", "/tsd/plugins/test"],
  ["/tsd/plugins/{name}/enable", "/tsd/plugins/absent/enable"],
];

/** It creates a missing volume from an archive; an invalid body is refused as elsewhere. */
const MAKES_IT = "/tsd/volumes/{name}/archive";

const JSON_TYPE = { "content-type": "application/json" };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Body {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly says: RegExp;
}

/** Bodies that no route accepts. */
const BODIES: readonly Body[] = [
  { what: "cut off", bytes: utf8('{"a":'), status: 400, says: /^invalid JSON: .+/ },
  { what: "a word", bytes: utf8("nope"), status: 400, says: /^invalid JSON: .+/ },
  { what: "two values", bytes: utf8("{}{}"), status: 400, says: /^invalid JSON: .+/ },
  { what: "blanks", bytes: utf8("  \n"), status: 400, says: /^invalid JSON: .+/ },
  {
    what: "not UTF-8",
    bytes: new Uint8Array([0x22, 0xff, 0x22]),
    status: 400,
    says: /^invalid JSON: it is not UTF-8$/,
  },
  { what: "deep", bytes: utf8("[".repeat(200_000)), status: 400, says: /^invalid JSON: exceeded max depth$/ },
  { what: "a key twice", bytes: utf8('{"a":{"a":1},"a":{}}'), status: 400, says: /^invalid JSON: duplicate key "a"$/ },
  { what: "a list", bytes: utf8("[1]"), status: 400, says: /.+/ },
  { what: "a text", bytes: utf8('"x"'), status: 400, says: /.+/ },
  { what: "a number", bytes: utf8("5"), status: 400, says: /.+/ },
  {
    what: "5 MiB",
    bytes: utf8(`{"a":"${"x".repeat(5 << 20)}"}`),
    status: 413,
    says: /^The request's body is larger than 4194304 bytes$/,
  },
  {
    ...{ what: "without a type", bytes: utf8("{}"), headers: {}, status: 400 },
    says: /^malformed Content-Type header \(\): mime: no media type$/,
  },
  {
    ...{
      what: "a form",
      bytes: utf8("a=b"),
      headers: { "content-type": "application/x-www-form-urlencoded" },
      status: 400,
    },
    says: /^unsupported Content-Type header \(application\/x-www-form-urlencoded\): must be 'application\/json'$/,
  },
];

/** Returns a step that fails if there are problems with responses, one line each. */
const nothingWrong = (step: (fixture: Fixture) => Promise<string[]>): Step => async (fixture) => {
  assert.deepEqual(await step(fixture), []);
};

scenario("api: wrong requests to every route", {
  "names of missing objects": nothingWrong(async ({ engine: { api } }) => {
    const problems: string[] = [];
    for (const { method, path } of ROUTES) {
      if (!/\{\w+\*?\}/.test(path)) continue;
      for (
        const segment of [
          "absent",
          "a/b",
          "absent/json",
          ...SEGMENTS.map((each) => each.replace("HOST", "host.test")),
        ]
      ) {
        const target = path.replace(/\{\w+\*?\}/, segment);
        problems.push(...await problemsOf(() => ask(api, method, target), `${method} ${target.slice(0, 200)}`));
      }
      const absent = await ask(api, method, path.replace(/\{\w+\*?\}/, "absent"), { body: {} });
      // Removing a missing object may succeed, and an update checks its values first.
      if (![404, 400].includes(absent.status) && path !== MAKES_IT) {
        problems.push(`${method} ${path}: ${absent.status} for what isn't there`);
      }
    }
    return problems;
  }),
  "unsupported methods and versions": nothingWrong(async ({ engine: { api } }) => {
    const problems: string[] = [];
    for (const path of new Set(ROUTES.map((route) => route.path.replace(/\{\w+\*?\}/, "absent")))) {
      for (
        const [method, target, status, says] of [
          ["PATCH", path, 404, "page not found"],
          ["OPTIONS", path, 404, "page not found"],
          ["GET", `${path}/no/such/thing/at/all`, 404, /./],
          ["GET", `/v1.23${path}`, 400, /client version 1\.23 is too old/],
          ["GET", `/v99.9${path}`, 400, /client version 99\.9 is too new/],
          ["GET", `/v1${path}`, 404, "page not found"],
        ] as const
      ) {
        const answer = await ask(api, method, target);
        assertClear(answer, `${method} ${target}`);
        const said = answer.json<{ message: string }>().message;
        const isRight = answer.status === status && (typeof says === "string" ? said === says : says.test(said));
        if (!isRight) problems.push(`${method} ${target}: ${answer.status} ${said}`);
      }
    }
    return problems;
  }),
  "bodies": nothingWrong(async (fixture) => {
    const { api } = fixture.engine;
    const up = await fixture.background("up");
    const { Id: exec } = (await api.post(`/containers/up/exec`, { Cmd: ["true"] })).json<{ Id: string }>();
    const problems: string[] = [];
    for (const [path, about] of WITH_JSON) {
      const target = about.replace("UP", "up").replace("EXEC", exec);
      for (const { what, bytes, headers = JSON_TYPE, status, says } of BODIES) {
        const answer = await api.request("POST", target, { body: bytes, headers });
        assertClear(answer, `${path}: ${what}`);
        const said = answer.status < 400 ? answer.text() : answer.json<{ message: string }>().message;
        if (answer.status !== status || !says.test(said)) problems.push(`${path}, ${what}: ${answer.status} ${said}`);
      }
    }
    // New routes that read JSON must be added above.
    for (const { method, path } of ROUTES) {
      if (method !== "POST" || WITH_JSON.some(([known]) => known === path)) continue;
      const answer = await ask(api, method, path.replace(/\{\w+\*?\}/, "absent"), {
        body: utf8("nope"),
        headers: JSON_TYPE,
      });
      assertClear(answer, path);
      if (answer.status === 400 && /JSON/.test(answer.text())) problems.push(`${path} reads JSON`);
    }
    const state = (await api.get("/containers/up/json")).json<{ Id: string; State: { Status: string } }>();
    assert.deepEqual([state.Id, state.State.Status], [up, "running"]);
    await fixture.remove("up");
    return problems;
  }),
});
