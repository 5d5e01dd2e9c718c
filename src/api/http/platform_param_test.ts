import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { decodePlatform } from "./platform_param.ts";

Deno.test("a platform is parsed from a query parameter", () => {
  assert.deepEqual(decodePlatform('{"os":"linux","architecture":"arm64"}'), {
    os: "linux",
    architecture: "arm64",
    variant: "v8",
  });
  assert.deepEqual(decodePlatform('{"os":"linux","architecture":"arm","variant":"v6"}').variant, "v6");
  assert.deepEqual(decodePlatform('{"OS":"linux","Architecture":"arm","VARIANT":"v6","Os.Version":"","x":1}'), {
    ...{ os: "linux", architecture: "arm", variant: "v6" },
  });
  const refused: Readonly<Record<string, string>> = {
    '{"os":"linux"}': "both OS and Architecture must be provided",
    '{"variant":"v8"}': "optional platform fields provided, but OS and Architecture are missing",
    "linux/arm64": "failed to parse platform: not JSON",
    "[]": "failed to parse platform: not a JSON object",
    '{"os":1}': "failed to parse platform: os is not a text",
    '{"OS":1}': "failed to parse platform: os is not a text",
    '{"os.features":1}': "failed to parse platform: os.features is not a list of texts",
  };
  for (const [text, message] of Object.entries(refused)) {
    assert.throws(
      () => decodePlatform(text),
      (thrown) => isTsdError(thrown, "invalid_argument") && thrown.message === message,
    );
  }
});
