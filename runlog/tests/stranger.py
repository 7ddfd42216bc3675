"""A stranger's client: reads and writes a run's topic with nothing but docs/records.md and kafka-python.

    stranger.py read  BROKERS TOPIC           one JSON line per iteration that counts
    stranger.py spoil BROKERS TOPIC           adds messages of the kinds that nobody should write
    stranger.py lag   BROKERS TOPIC GROUP     committed offset and end, as any monitoring tool sees them
"""

import json
import sys
import zlib

from kafka import KafkaConsumer, KafkaProducer, TopicPartition


def consumer(brokers, group=None):
    return KafkaConsumer(bootstrap_servers=brokers.split(","), group_id=group, enable_auto_commit=False)


def messages(brokers, topic):
    """Everything from the beginning to where the topic ends now."""
    reader = consumer(brokers)
    partition = TopicPartition(topic, 0)
    reader.assign([partition])
    reader.seek_to_beginning(partition)
    end = reader.end_offsets([partition])[partition]
    while reader.position(partition) < end:
        for batch in reader.poll(timeout_ms=1000).values():
            yield from batch
    reader.close()


def headers(message):
    """The last value of each header."""
    return {name: value.decode("utf-8", "replace") for name, value in message.headers or []}


def merge(parts):
    """Parts are records; lists of a name that stands in several parts follow one another."""
    whole = {"axes": {}, "values": {}}
    for part in parts:
        for name in ("iteration", "total"):
            if name in part:
                whole[name] = part[name]
        for name, axis in part.get("axes", {}).items():
            if name in whole["axes"] and "values" in axis:
                whole["axes"][name]["values"] += axis["values"]
            else:
                whole["axes"][name] = axis
        for name, value in part.get("values", {}).items():
            if name in whole["values"] and isinstance(value, dict):
                whole["values"][name]["data"] += value["data"]
            else:
                whole["values"][name] = value
        if "state" in part:
            whole["state"] = whole.get("state", "") + part["state"]
    return whole


def read(brokers, topic):
    attempt, iterations, torn, closed = 0, [], {}, True
    for message in messages(brokers, topic):
        head = headers(message)
        kind = head.get("kymo-kind")
        if kind not in ("marker", "record") or head.get("kymo-run") != topic or message.value is None:
            continue
        if head.get("kymo-checksum") != "crc32:%08x" % zlib.crc32(message.value):
            closed = closed or int(head["kymo-attempt"]) == attempt
            continue
        of = int(head["kymo-attempt"])
        if kind == "marker":
            marker = json.loads(message.value)
            # A marker voids what earlier attempts wrote at its iteration and later.
            if of > attempt and marker["from"] <= len(iterations) + 1:
                attempt, torn, closed = of, {}, False
                del iterations[marker["from"] - 1 :]
            continue
        # Earlier attempts write into the wind; a repeated iteration changes nothing.
        if of != attempt or closed or int(head["kymo-iteration"]) != len(iterations) + 1:
            continue
        number, count = map(int, head["kymo-part"].split("/"))
        torn[number] = json.loads(message.value)
        if len(torn) == count:
            iterations.append(merge([torn[n] for n in range(1, count + 1)]))
            torn = {}
    for record in iterations:
        print(json.dumps(record))


class Bytes(str):
    """A header name that is no UTF-8."""

    def encode(self, *_):
        return b"\xff\xfe name"


def spoil(brokers, topic):
    writer = KafkaProducer(bootstrap_servers=brokers.split(","), acks="all", compression_type="gzip")
    foreign = [
        (None, []),
        (b"hello", []),
        (b"\x00\xff\xfe", [(Bytes("name"), b"\xff"), ("empty", b"")]),
        (b"{}", [("kymo-kind", b"record"), ("kymo-run", topic.encode())]),
        (b'{"iteration":7,"values":{}}', [("kymo-kind", b"record"), ("kymo-run", b"another.run")]),
    ]
    for value, names in foreign:
        key = b"a tombstone" if value is None else None
        print(writer.send(topic, value=value, key=key, headers=names, partition=0).get(30).offset)
    writer.close()


def lag(brokers, topic, group):
    reader = consumer(brokers, group)
    partition = TopicPartition(topic, 0)
    committed, end = reader.committed(partition), reader.end_offsets([partition])[partition]
    print(json.dumps({"committed": committed, "end": end, "lag": end - committed}))
    reader.close()


if __name__ == "__main__":
    {"read": read, "spoil": spoil, "lag": lag}[sys.argv[1]](*sys.argv[2:])
