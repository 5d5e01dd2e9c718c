import { strict as assert } from "node:assert";
import { digestOfHex } from "../../image/digest.ts";
import { LayerLedger } from "./layer_ledger.ts";

const [BASE, ONE, TWO] = ["1", "2", "3"].map((fill) => digestOfHex(fill.repeat(64)));

Deno.test("a layer is released by its last user", () => {
  const ledger = new LayerLedger([[BASE, ONE], [BASE, TWO], [BASE, ONE, ONE]]);
  assert.deepEqual(ledger.release([BASE, ONE]), []);
  assert.deepEqual(ledger.release([BASE, TWO]), [TWO]);
  assert.deepEqual(ledger.release([BASE, ONE, ONE]), [BASE, ONE]);
});
