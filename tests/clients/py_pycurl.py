"""pycurl: libcurl inside Python."""
import hashlib, io, os, sys
import pycurl

out = io.BytesIO()
handle = pycurl.Curl()
handle.setopt(pycurl.URL, f"{sys.argv[1]}/bytes/5000000")
# Its wheels bring an OpenSSL that looks in other places.
handle.setopt(pycurl.CAINFO, os.environ["CURL_CA_BUNDLE"])
handle.setopt(pycurl.WRITEDATA, out)
handle.perform()
assert handle.getinfo(pycurl.RESPONSE_CODE) == 200
print(hashlib.sha256(out.getvalue()).hexdigest())
