"""What can go wrong with the real Kamailio."""
import kamailio_case
from harness import wait_until
from kamailio_case import KamailioCase


class Trouble(KamailioCase):
    def test_a_switch_that_is_started_anew(self):
        """The call goes on between the telephones; its BYE belongs to no dialog then."""
        self.start_all()
        call = self.call("agents", [("1001", "3000001", 6000)], 1)
        wait_until(lambda: self.counters("1001").get("on_call_since_ms"), "the answer")
        self.switch.end()
        wait_until(lambda: self.daemon.source("kam1")["state"] == "down", "the loss")
        self.assertTrue(self.start_switch(same_ports=True), "it does not come back")
        self.wait_up()
        _, seen = self.finish(call)
        self.check_counters(seen)

    def test_a_bye_that_is_lost(self):
        """The dialog's timer ends it: answered, and no talk that nobody saw."""
        self.start_all(CALL_MAX_S=1)
        call = self.call("agents", [("1001", "3000001", 60000)], 1)
        wait_until(lambda: self.counters("1001").get("lost_track"), "the dialog's timer")
        told = self.counters("1001")
        self.assertEqual((told["dials"], told["answered"], told["talk_ms"]), (1, 1, 0))
        call[0].end()


if __name__ == "__main__":
    kamailio_case.main()
