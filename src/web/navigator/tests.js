// What the platform says about itself.
test("navigator", () => {
  assert.equal(navigator.userAgent, "Cloudflare-Workers");
  assert.equal(navigator.hardwareConcurrency, 1);
  assert.equal(navigator.language, "en");
  assert.deepEqual([...navigator.languages], ["en"]);
  assert.equal(navigator.platform, "");
  assert.throws(() => new Navigator(), "TypeError", "Illegal constructor");
});
