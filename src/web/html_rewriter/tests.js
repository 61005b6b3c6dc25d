// HTMLRewriter: handlers of every kind, changes of every kind, streams, and what is refused.
const rewrite = (rewriter, html, init) => rewriter.transform(new Response(html, init)).text();
const on = (selector, handlers) => new HTMLRewriter().on(selector, handlers);
const messageOf = (run) => {
  try {
    run();
    return "nothing";
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

test("elements", async () => {
  const seen = [];
  const html = await rewrite(on("a", { element(element) {
    seen.push(element.tagName, [...element.attributes], element.namespaceURI, element.getAttribute("zz"), element.hasAttribute("X"), Object.keys(element));
    element.setAttribute("x", "2").removeAttribute("yy").before("<").after("<i>", { html: true });
    element.tagName = "b";
    seen.push(element.tagName, element.getAttribute("X"), element.removed);
  } }), "<A X=1 yY>y</A>");
  assert.deepEqual(seen, ["a", [["x", "1"], ["yy", ""]], "http://www.w3.org/1999/xhtml", null, true, ["namespaceURI", "removed", "attributes", "tagName"], "b", "2", false]);
  assert.equal(html, '&lt;<b X="2">y</b><i>');
  assert.equal(await rewrite(on("a", { element: (e) => e.prepend("1").append("2") }), "<a>y</a>"), "<a>1y2</a>");
  assert.equal(await rewrite(on("a", { element: (e) => e.setInnerContent("<b>") }), "<a>y</a>"), "<a>&lt;b&gt;</a>");
  assert.equal(await rewrite(on("a", { element: (e) => e.replace("<b>", { html: true }) }), "<a>y</a>"), "<b>");
  assert.equal(await rewrite(on("a", { element: (e) => e.remove() }), "x<a>y</a>"), "x");
  assert.equal(await rewrite(on("a", { element: (e) => e.removeAndKeepContent() }), "x<a>y</a>"), "xy");
});

test("several handlers, in order and as methods", async () => {
  const seen = [];
  const first = { element(e) { seen.push(this === first, e.getAttribute("a")); e.setAttribute("a", "1"); } };
  const rewriter = on("p", first).on("*", { element(e) { seen.push(e.getAttribute("a")); e.remove(); } }).on("p", { element(e) { seen.push(e.removed); } });
  assert.equal(await rewrite(rewriter, "<p>x</p>"), "");
  assert.deepEqual(seen, [true, null, "1", true]);
});

test("texts, comments, types and ends", async () => {
  const seen = [];
  const rewriter = on("p", {
    text(text) { seen.push([text.text, text.lastInTextNode, text.removed]); if (text.text) text.replace(text.text.toUpperCase()); },
    comments(comment) { seen.push(comment.text); comment.text = "new"; comment.before("1").after("2"); },
  }).onDocument({
    doctype(type) { seen.push([type.name, type.publicId, type.systemId]); },
    end(end) { end.append("<end>", { html: true }); },
  });
  const html = await rewrite(rewriter, '<!DOCTYPE html PUBLIC "p" "s"><p>a<!--old--></p>');
  assert.equal(html, '<!DOCTYPE html PUBLIC "p" "s"><p>A1<!--new-->2</p><end>');
  assert.deepEqual(seen, [["html", "p", "s"], ["a", false, false], ["", true, false], "old"]);
});

test("handlers that wait, and streams as content", async () => {
  const rewriter = on("a", { async element(element) {
    await Promise.resolve();
    element.append(new Response("<i>").body);
    element.prepend(new Response("<b>"), { html: true });
    element.onEndTag(async (tag) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      tag.before(`[${tag.name}]`);
      tag.name = "zz";
    });
  } });
  assert.equal(await rewrite(rewriter, "<a>y</a>"), "<a><b>y&lt;i&gt;[a]</zz>");
});

test("documents in pieces", async () => {
  const pieces = ["<p>é</p><", "a", ">te", "xt</a>"];
  const source = new ReadableStream({
    pull(controller) {
      if (pieces.length === 0) controller.close();
      else controller.enqueue(new TextEncoder().encode(pieces.shift()));
    },
  });
  const text = await rewrite(on("a", { element: (e) => e.setAttribute("x", "1") }), source);
  assert.equal(text, '<p>é</p><a x="1">text</a>');
});

test("what a response keeps", async () => {
  const response = new HTMLRewriter().transform(new Response("x", { status: 201, headers: { etag: "a" } }));
  assert.deepEqual([response.status, response.headers.get("etag")], [201, "a"]);
  const empty = new Response(null);
  assert.ok(new HTMLRewriter().transform(empty) === empty);
});

test("errors of handlers and sources", async () => {
  await assert.rejects(() => rewrite(on("a", { element() { throw new RangeError("mine"); } }), "<a>y</a>"), "RangeError", "mine");
  await assert.rejects(() => rewrite(on("a", { async element() { throw new RangeError("mine"); } }), "<a>y</a>"), "RangeError", "mine");
  const source = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("<a>")),
    pull: (controller) => controller.error(new Error("source")),
  });
  await assert.rejects(() => rewrite(new HTMLRewriter(), source), "Error", "source");
});

test("what is refused", async () => {
  const rewriter = new HTMLRewriter();
  assert.deepEqual([
    () => rewriter.on("a[", {}), () => rewriter.on("", {}), () => rewriter.on("a:hover", {}), () => rewriter.on("a"),
    () => rewriter.on("a", { element: 5 }), () => rewriter.onDocument({ end: 5 }), () => rewriter.transform(5),
    () => rewriter.transform(Response.error()),
    () => rewriter.transform(new Response("x", { headers: { "content-type": "text/html;charset=nope" } })),
    () => rewriter.transform(new Response("x", { headers: { "content-type": "text/html;charset=utf-16" } })),
  ].map(messageOf), [
    "TypeError: Parser error: Unexpected end of selector.",
    "TypeError: Parser error: The selector is empty.",
    "TypeError: Parser error: Unsupported pseudo-class or pseudo-element in selector.",
    "TypeError: Failed to execute 'on' on 'HTMLRewriter': parameter 2 is not of type 'ElementContentHandlers'.",
    "TypeError: Incorrect type for the 'element' field on 'ElementContentHandlers': the provided value is not of type 'function'.",
    "TypeError: Incorrect type for the 'end' field on 'DocumentContentHandlers': the provided value is not of type 'function'.",
    "TypeError: Failed to execute 'transform' on 'HTMLRewriter': parameter 1 is not of type 'Response'.",
    "TypeError: HTMLRewriter cannot transform an error response",
    "TypeError: Parser error: Unknown character encoding has been provided.",
    "TypeError: Parser error: Expected ASCII-compatible encoding.",
  ]);
  let kept;
  let inside;
  await rewrite(on("*", { element(element) {
    kept = element;
    inside = [
      () => element.setAttribute("", "x"), () => element.setAttribute("a b", "x"), () => { element.tagName = ""; },
      () => { element.tagName = "1"; }, () => { element.tagName = "a>b"; }, () => element.setAttribute(1),
      () => element.onEndTag(5), () => element.onEndTag(() => {}), () => element.getAttribute(),
      () => { const all = element.attributes; element.setAttribute("q", "1"); all.next(); },
    ].map(messageOf);
  }, comments(comment) {
    inside.push(messageOf(() => comment.before(new Response("x"))), messageOf(() => { comment.text = "-->"; }));
  } }), "<br>");
  assert.deepEqual(inside, [
    "TypeError: Parser error: Attribute name can't be empty.",
    "TypeError: Parser error: ` ` character is forbidden in the attribute name",
    "TypeError: Parser error: Tag name can't be empty.",
    "TypeError: Parser error: The first character of the tag name should be an ASCII alphabetical character.",
    "TypeError: Parser error: `>` character is forbidden in the tag name",
    "TypeError: Failed to execute 'setAttribute' on 'Element': parameter 2 is not of type 'string'.",
    "TypeError: Failed to execute 'onEndTag' on 'Element': parameter 1 is not of type 'function'.",
    "TypeError: Parser error: No end tag.",
    "TypeError: Failed to execute 'getAttribute' on 'Element': parameter 1 is not of type 'string'.",
    "Error: The attributes of this element have been modified during iteration. You must create a new iterator after modifying attributes.",
  ]);
  const late = "TypeError: This content token is no longer valid. Content tokens are only valid during the execution of the relevant content handler.";
  assert.deepEqual([() => kept.tagName, () => kept.remove(), () => kept.attributes].map(messageOf), [late, late, late]);
});
