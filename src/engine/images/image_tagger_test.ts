import { strict as assert } from "node:assert";
import { isTsdError, TsdError } from "../../errors.ts";
import { digestOfHex } from "../../image/digest.ts";
import { UNTOLD } from "../../store/event_records.ts";
import { fakeSink } from "../events/events_testing.ts";
import { ImageEvents } from "../events/image_events.ts";
import { ImageTagger } from "./image_tagger.ts";

const ID = digestOfHex("a".repeat(64));

class Setup {
  readonly given: string[] = [];
  readonly reported: string[] = [];
  readonly tagger = new ImageTagger(
    {
      find: (name) => {
        if (name === "absent") throw new TsdError("image_not_found", "No such image: absent:latest");
        return { id: ID };
      },
      labels: () => Promise.resolve({ team: "a" }),
    },
    {
      tagManually: (name, id, _nowMs, recording = UNTOLD) =>
        recording({ write: () => void this.given.push(`${name} ${id === ID}`) }),
    },
    new ImageEvents(
      fakeSink(({ action, actorId, attributes }) =>
        this.reported.push(`${action} ${actorId === ID} ${JSON.stringify(attributes)}`)
      ),
    ),
  );
}

Deno.test("a tag is recorded as a canonical name, and its event has the image's labels", async () => {
  const setup = new Setup();
  await setup.tagger.tag("alpine", "me/app", "1");
  await setup.tagger.tag("alpine", "localhost:5000/app", undefined);
  await setup.tagger.tag("alpine", "app:2", "3");
  assert.deepEqual(setup.given, [
    "docker.io/me/app:1 true",
    "localhost:5000/app:latest true",
    "docker.io/library/app:3 true",
  ]);
  assert.equal(setup.reported[0], 'tag true {"team":"a","name":"me/app:1"}');
});

Deno.test("invalid names and unknown images are rejected", async () => {
  const refused = "refusing to create";
  const cases: readonly (readonly [source: string, repository: string, tag: string | undefined, message: string])[] = [
    ["alpine", `app@${ID}`, undefined, `${refused} a tag with a digest reference`],
    ["alpine", "sha256", "1", `${refused} an ambiguous tag using digest algorithm as name`],
    ["alpine", "app", "no tag", "invalid tag format"],
    ["alpine", "UPPER", "1", "invalid reference format: repository name (library/UPPER) must be lowercase"],
    ["alpine", "", undefined, "invalid reference format"],
    ["absent", "app", "1", "No such image: absent:latest"],
  ];
  for (const [source, repository, tag, message] of cases) {
    const setup = new Setup();
    await assert.rejects(
      setup.tagger.tag(source, repository, tag),
      (thrown) => isTsdError(thrown) && thrown.message === message,
    );
    assert.deepEqual([setup.given, setup.reported], [[], []]);
  }
});
