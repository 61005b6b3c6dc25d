// What user code imports from "__STATIC_CONTENT_MANIFEST": the keys of Workers Sites by path, as JSON.
import host from "dodev:host";

// Packages that are evaluated ahead of a Worker see none of its files.
if (host.siteManifest === undefined) host.askedEarly = true;

const manifest = host.siteManifest?.();
if (manifest === undefined && host.siteManifest !== undefined) throw new Error('No such module "__STATIC_CONTENT_MANIFEST".');

export default manifest;
