// FormData and the encodings of forms.

const parse = (body, type) => new Response(body, { headers: { "content-type": type } }).formData();
const multipart = (body) => parse(body, "multipart/form-data; boundary=b");

test("a form is a list of names and values", () => {
  const form = new FormData();
  form.append("a", "1");
  form.append("a", 2);
  form.set("b", "3");
  form.delete("zzz");
  assert.deepEqual([form.getAll("a"), form.has("b"), form.get("zzz")], [["1", "2"], true, null]);
  assert.deepEqual([...form], [["a", "1"], ["a", "2"], ["b", "3"]]);
  form.set("a", "9");
  assert.deepEqual([...form.entries()], [["a", "9"], ["b", "3"]]);
});

test("blobs become files", () => {
  const form = new FormData();
  const file = new File(["x"], "q");
  form.append("a", file);
  form.append("b", new Blob(["y"]), "n");
  form.append("c", new Blob(["z"]));
  assert.ok(form.get("a") === file);
  assert.deepEqual([form.get("b").name, form.get("c").name, form.get("c") instanceof File], ["n", "c", true]);
});

test("forms are written as multipart", async () => {
  const form = new FormData();
  form.append('k"\n', "v\nw");
  form.append("f", new File(["content"], "a.txt", { type: "text/plain" }));
  form.append("g", new File(["x"], "b"));
  const response = new Response(form);
  const [type, boundary] = response.headers.get("content-type").split("; boundary=");
  assert.equal(type, "multipart/form-data");
  assert.equal(
    (await response.text()).split(boundary).join("B"),
    '--B\r\nContent-Disposition: form-data; name="k%22%0A"\r\n\r\nv\nw\r\n' +
      '--B\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n' +
      '--B\r\nContent-Disposition: form-data; name="g"; filename="b"\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n' +
      "--B--",
  );
});

test("multipart bodies are read", async () => {
  const form = await multipart(
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' +
      '--b\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\nfile body\r\n--b--\r\n',
  );
  const file = form.get("f");
  assert.equal(form.get("a"), "1");
  assert.deepEqual([file.name, file.type, file.size, await file.text()], ["n.txt", "text/plain", 9, "file body"]);
});

test("what a form was written as can be read", async () => {
  const form = new FormData();
  form.append("x", new File([new Uint8Array([0, 255, 13, 10])], "z", { type: "a/b" }));
  const copy = await new Request("http://a/", { method: "POST", body: form }).formData();
  assert.deepEqual(await copy.get("x").bytes(), new Uint8Array([0, 255, 13, 10]));
});

test("urlencoded bodies are read", async () => {
  const type = "application/x-www-form-urlencoded";
  assert.deepEqual([...(await parse("a=1&b=x+y&a=2", type))], [["a", "1"], ["b", "x y"], ["a", "2"]]);
  assert.deepEqual([...(await parse(null, type))], []);
  await assert.rejects(
    parse("a=b", `${type};charset=latin1`),
    "TypeError",
    "Non-utf-8 application/x-www-form-urlencoded body.",
  );
});

test("what is no form is refused", async () => {
  const check = (body, message) => assert.rejects(multipart(body), "TypeError", message);
  await check("x", "No initial boundary string (or you have a truncated message).");
  await check("--b\r\nx", "No multipart message header termination found.");
  await check("--b\r\nx:y\r\n\r\n", "No valid Content-Disposition header found in FormData part.");
  await check(
    "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n",
    "Content-Disposition header in FormData part is missing a name.",
  );
  await assert.rejects(
    parse("x", "text/plain"),
    "TypeError",
    "Unrecognized Content-Type header value. FormData can only parse the following MIME types: multipart/form-data, application/x-www-form-urlencoded",
  );
  await assert.rejects(
    new Response(new Uint8Array(1)).formData(),
    "TypeError",
    "Parsing a Body as FormData requires a Content-Type header.",
  );
});

test("iterators see what changes", () => {
  const form = new FormData();
  for (const name of ["a", "b", "c"]) form.append(name, name);
  const seen = [];
  for (const [name] of form) {
    seen.push(name);
    if (name === "a") form.delete("b");
    if (name === "c") form.append("d", "");
    if (seen.length > 9) break;
  }
  assert.deepEqual(seen, ["a", "c", "d"]);
});
