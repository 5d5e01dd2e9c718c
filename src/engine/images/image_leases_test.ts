import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import type { ImageRecord } from "../../store/image_records.ts";
import { ImageLeases } from "./image_leases.ts";
import { LayerLeases } from "./layer_leases.ts";

const digest = (fill: string) => digestOfHex(fill.repeat(64));
const [ID, LOWER, UPPER] = ["a", "1", "2"].map(digest);
const IMAGE: ImageRecord = { id: ID, manifestDigest: ID, layers: [LOWER, UPPER], sizeBytes: 1, addedMs: 1 };

class Setup {
  image: ImageRecord | undefined = IMAGE;
  readonly leases = new LayerLeases();
  readonly swept: Digest[] = [];
  readonly uses = new ImageLeases({
    records: { get: () => this.image },
    leases: this.leases,
    sweepLayers: (layers) => {
      assert.equal(this.leases.has(UPPER), false, "a sweep leaves what is held");
      return Promise.resolve(this.swept.push(...layers));
    },
  });
}

Deno.test("an image and its layers are leased until its use is recorded", async () => {
  const setup = new Setup();
  {
    await using held = setup.uses.hold(IMAGE, "a:1");
    assert.deepEqual(setup.leases.held(), [ID, LOWER, UPPER]);
    held.require();
  }
  assert.deepEqual([setup.leases.held(), setup.swept], [[], []]);
});

Deno.test("an image removed during its lease can't be used, and its layers are removed at the end", async () => {
  const setup = new Setup();
  {
    await using held = setup.uses.hold(IMAGE, "a:1");
    setup.image = undefined;
    assert.throws(
      () => held.require(),
      (thrown) => isTsdError(thrown, "image_not_found") && thrown.message === "No such image: a:1",
    );
    assert.deepEqual(setup.swept, []);
  }
  assert.deepEqual(setup.swept, [UPPER, LOWER]);
  assert.throws(() => setup.uses.hold(IMAGE, "a:1"), (thrown) => isTsdError(thrown, "image_not_found"));
  assert.deepEqual(setup.leases.held(), []);
});
