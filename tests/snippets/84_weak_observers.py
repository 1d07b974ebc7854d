# Notify observers through weak references and collect a cycle.
import gc
import weakref


class Subject:
    def __init__(self):
        self.observers = weakref.WeakSet()
        self.names = weakref.WeakValueDictionary()

    def attach(self, observer):
        self.observers.add(observer)
        self.names[observer.name] = observer

    def notify(self, message):
        for observer in sorted(self.observers, key=lambda o: o.name):
            observer.update(message)


class Observer:
    def __init__(self, name):
        self.name = name
        self.partner = None

    def update(self, message):
        print(f"{self.name} heard {message!r}")


subject = Subject()
ann, bob, cid = Observer("Ann"), Observer("Bob"), Observer("Cid")
for person in (ann, bob, cid):
    subject.attach(person)
subject.notify("hello")

weakref.finalize(bob, print, "Bob is gone")
bob.partner, cid.partner = cid, bob
del bob, cid, person
gc.collect()
subject.notify("anybody there?")
print(len(subject.observers), sorted(subject.names), weakref.ref(ann)() is ann)
