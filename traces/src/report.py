# Word statistics of a text, through the structures that Python programs live on.
import json

words = {}
for line in open("book"):
    for word in line.split():
        entry = words.setdefault(word, {"count": 0, "lines": []})
        entry["count"] += 1
        entry["lines"].append(len(line))
table = json.loads(json.dumps(words))
common = sorted(table.items(), key=lambda item: (-item[1]["count"], item[0]))
for word, entry in common[:10]:
    print(word, entry["count"], sum(entry["lines"]) // entry["count"])
