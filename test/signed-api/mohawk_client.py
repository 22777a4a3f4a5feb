"""A test client of the signed API with the package mohawk: reads requests as JSON, sends them, writes the responses as JSON."""
import json, sys, time, urllib.error, urllib.request, zlib
from mohawk import Sender
from mohawk.exc import HawkFail


def ask(key, request):
    url, method = request["url"], request.get("method", "GET")
    body, content_type = request.get("body", ""), request.get("type", "")
    credentials = {"id": key["id"], "key": request.get("key", key["key"]), "algorithm": request.get("algorithm", "sha256")}
    times = {"_timestamp": int(time.time()) + request["late"]} if "late" in request else {}
    hashed = {"always_hash_content": False} if request.get("unhashed") else {"content": body, "content_type": content_type}
    sender = Sender(credentials, url, method, **hashed, **times)
    sent = request.get("sent_body", body)
    headers = {"Authorization": sender.request_header, "Accept-Encoding": request.get("encoding", "identity")}
    if content_type:
        headers["Content-Type"] = content_type
    answers = []
    for _ in range(request.get("times", 1)):
        asked = urllib.request.Request(request.get("to", url), data=sent.encode() or None, headers=headers, method=method)
        try:
            with urllib.request.urlopen(asked) as answer:
                status, headers_back, content = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, headers_back, content = error.code, error.headers, error.read()
        if headers_back.get("Content-Encoding") == "gzip":
            content = zlib.decompress(content, 47)
        verified = None
        if "Server-Authorization" in headers_back:
            try:
                sender.accept_response(headers_back["Server-Authorization"], content=content, content_type=headers_back["Content-Type"])
                verified = True
            except HawkFail as error:
                verified = repr(error)
        answers.append({"status": status, "verified": verified, "text": content.decode()})
    return answers


key, requests = json.load(sys.stdin)
json.dump([ask(key, request) for request in requests], sys.stdout)
