#include "gateways/command_parser.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>

namespace penstock::gateways {
namespace {

using messages::errc;

const caller amy{"amy", "op-1"};

json object(const char* text) { return json::parse(text); }

/// The field that a refusal names, or "ok".
template <class T>
std::string verdict(const messages::result<T>& parsed) {
  if (parsed) return "ok";
  BOOST_TEST((parsed.error().code == errc::bad_request));
  return parsed.error().context.substr(0, parsed.error().context.find(':'));
}

template <class Parse>
void expect(Parse parse, const char* args, const std::string& wanted) {
  BOOST_TEST(verdict(parse(amy, object(args))) == wanted, args);
}

BOOST_AUTO_TEST_SUITE(command_parser_suite)

BOOST_AUTO_TEST_CASE(reads_an_envelope) {
  std::string id;
  const auto envelope = parse_envelope(
      R"({"id":"7","do":"requests.submit","project":"alz-brain","op":"x","args":{"a":1},"later":true})", id);
  BOOST_REQUIRE(envelope.ok());
  BOOST_TEST(id == "7");
  BOOST_TEST(envelope->command == "requests.submit");
  BOOST_TEST(envelope->project == "alz-brain");
  BOOST_TEST(envelope->op == "x");
  BOOST_TEST(envelope->args.value("a", 0) == 1);
}

BOOST_AUTO_TEST_CASE(tells_which_command_a_bad_envelope_was) {
  std::string id;
  BOOST_TEST(verdict(parse_envelope(R"({"id":"7","args":{}})", id)) == "do");
  BOOST_TEST(id == "7");
  BOOST_TEST(verdict(parse_envelope(R"({"id":"8","do":"hello","args":[]})", id)) == "args");
  BOOST_TEST(id == "8");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_json_object) {
  std::string id;
  for (const auto* text : {"", "{", "[]", "null", "\"x\"", "{\"id\":\"\xff\"}", "{}garbage"})
    BOOST_TEST(verdict(parse_envelope(text, id)) == "JSON", text);
  BOOST_TEST(verdict(parse_envelope("{}", id)) == "id");
  BOOST_TEST(verdict(parse_envelope(R"({"id":5,"do":"hello"})", id)) == "id");
  BOOST_TEST(verdict(parse_envelope(R"({"id":")" + std::string(257, 'x') + R"(","do":"hello"})", id)) == "id");
}

BOOST_AUTO_TEST_CASE(refuses_json_that_is_nested_deeply) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  BOOST_TEST(parse_object(nested(max_json_depth - 1)).ok());
  BOOST_TEST(!parse_object(nested(max_json_depth)).ok());
  BOOST_TEST(!parse_object(nested(1'000'000)).ok());
  BOOST_TEST(parse_object("{\"a\":\"" + std::string(100, '[') + "\\\"[\"}").ok());
}

BOOST_AUTO_TEST_CASE(reads_subscriptions) {
  const auto wish = parse_subscription(R"({"topic":"p/x/requests","from":3,"credit":10})");
  BOOST_REQUIRE(wish.ok());
  BOOST_TEST(wish->topic == "p/x/requests");
  BOOST_TEST(wish->from == 3);
  BOOST_TEST(wish->credit == 10);
  BOOST_TEST(verdict(parse_subscription(R"({"topic":7})")) == "topic");
  BOOST_TEST(verdict(parse_subscription(R"({"from":-1})")) == "from");
  BOOST_TEST(verdict(parse_subscription(R"({"credit":99999999})")) == "credit");
  BOOST_TEST(verdict(parse_subscription(R"({"credit":1.5})")) == "credit");
}

BOOST_AUTO_TEST_CASE(reads_patients_find) {
  const auto find = parse_find_patients(amy, object(R"({"pacs":["gh-rad"],"mrns":["1","2*"],"wait_ms":5})"));
  BOOST_REQUIRE(find.ok());
  BOOST_TEST(find->who.user == "amy");
  BOOST_TEST(find->who.op == "op-1");
  BOOST_TEST(find->pacs.at(0) == "gh-rad");
  BOOST_TEST(find->mrns.at(1).reveal() == "2*");
  BOOST_TEST(find->wait_ms == 5);
  const auto at = parse_find_patients(amy, object(R"({"institution":"gh","department":"Radiology","mrns":["1"]})"));
  BOOST_REQUIRE(at.ok());
  BOOST_TEST(at->institution == "gh");
  BOOST_TEST(at->department == "Radiology");
  BOOST_TEST(at->wait_ms == default_wait_ms);
}

BOOST_AUTO_TEST_CASE(names_the_field_of_a_bad_patients_find) {
  expect(parse_find_patients, R"({"mrns":["1"]})", "pacs");
  expect(parse_find_patients, R"({"pacs":["a"],"institution":"gh","mrns":["1"]})", "pacs");
  expect(parse_find_patients, R"({"pacs":[],"mrns":["1"]})", "pacs");
  expect(parse_find_patients, R"({"pacs":["../x"],"mrns":["1"]})", "pacs");
  expect(parse_find_patients, R"({"pacs":"a","mrns":["1"]})", "pacs");
  expect(parse_find_patients, R"({"institution":"A B","mrns":["1"]})", "institution");
  expect(parse_find_patients, R"({"pacs":["a"]})", "mrns");
  expect(parse_find_patients, R"({"pacs":["a"],"mrns":[]})", "mrns");
  expect(parse_find_patients, R"({"pacs":["a"],"mrns":[1]})", "mrns[0]");
  expect(parse_find_patients, R"({"pacs":["a"],"mrns":["1"],"wait_ms":60001})", "wait_ms");
  expect(parse_find_patients, R"({"pacs":["a"],"mrns":["1"],"wait_ms":"soon"})", "wait_ms");
}

BOOST_AUTO_TEST_CASE(limits_the_inputs_of_a_search) {
  json args{{"pacs", {"a"}}, {"mrns", json::array()}};
  for (std::size_t n = 0; n < max_inputs_per_search; ++n) args["mrns"].push_back("1");
  BOOST_TEST(parse_find_patients(amy, args).ok());
  args["mrns"].push_back("1");
  BOOST_TEST(verdict(parse_find_patients(amy, args)) == "mrns");
}

BOOST_AUTO_TEST_CASE(never_repeats_an_input_in_a_refusal) {
  const auto refused = parse_find_patients(amy, object(R"({"pacs":["a"],"mrns":["SECRET",{"SECRET":1}]})"));
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.error().text().find("SECRET") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(reads_studies_find) {
  const auto find = parse_find_studies(
      amy, object(R"({"pacs":["a"],"accessions":["A1"],"study_date":"20090101-20120101","modalities":["MR"]})"));
  BOOST_REQUIRE(find.ok());
  BOOST_TEST(find->accessions.at(0).reveal() == "A1");
  BOOST_TEST(find->study_date == "20090101-20120101");
  BOOST_TEST(find->modalities.at(0) == "MR");
  for (const auto* date : {"20090101", "20090101-", "-20120101"})
    BOOST_TEST(parse_find_studies(amy, json{{"pacs", {"a"}}, {"mrns", {"1"}}, {"study_date", date}}).ok(), date);
}

BOOST_AUTO_TEST_CASE(names_the_field_of_a_bad_studies_find) {
  expect(parse_find_studies, R"({"pacs":["a"]})", "mrns");
  expect(parse_find_studies, R"({"pacs":["a"],"mrns":["1"],"accessions":["2"]})", "mrns");
  expect(parse_find_studies, R"({"pacs":["a"],"accessions":"2"})", "accessions");
  for (const auto* date : {"2009", "-", "20090101-2012", "2009*", "20090101\\\\20120101"})
    expect(parse_find_studies, (std::string{R"({"pacs":["a"],"mrns":["1"],"study_date":")"} + date + "\"}").c_str(),
           "study_date");
  expect(parse_find_studies, R"({"pacs":["a"],"mrns":["1"],"modalities":["M*"]})", "modalities");
  expect(parse_find_studies, R"({"pacs":["a"],"mrns":["1"],"modalities":"MR"})", "modalities");
}

BOOST_AUTO_TEST_CASE(reads_series_find) {
  const auto find = parse_find_series(amy, object(R"({"pacs":"a","StudyInstanceUID":"1.2.3"})"));
  BOOST_REQUIRE(find.ok());
  BOOST_TEST(find->study.reveal() == "1.2.3");
  expect(parse_find_series, R"({"StudyInstanceUID":"1.2.3"})", "pacs");
  expect(parse_find_series, R"({"pacs":"a"})", "StudyInstanceUID");
  expect(parse_find_series, R"({"pacs":"a","StudyInstanceUID":"1.02"})", "StudyInstanceUID");
  expect(parse_find_series, R"({"pacs":"a","StudyInstanceUID":12})", "StudyInstanceUID");
}

BOOST_AUTO_TEST_CASE(reads_search_more_and_cancel) {
  const auto text = parse_read_search(amy, object(R"({"search":"s1","cursor":"42"})"));
  const auto number = parse_read_search(amy, object(R"({"search":"s1","cursor":42})"));
  BOOST_REQUIRE((text.ok() && number.ok()));
  BOOST_TEST(text->cursor == "42");
  BOOST_TEST(number->cursor == "42");
  expect(parse_read_search, R"({})", "search");
  expect(parse_read_search, R"({"search":"s","cursor":[]})", "cursor");
  expect(parse_cancel_search, R"({"search":"s"})", "ok");
  expect(parse_cancel_search, R"({"search":9})", "search");
}

BOOST_AUTO_TEST_CASE(reads_requests_submit_and_lets_malformed_uids_pass) {
  const auto submit = parse_submit_requests(amy, object(R"({"items":[{"pacs":"a","StudyInstanceUID":"1.2"},
                               {"pacs":"a","StudyInstanceUID":"not a uid","series":["1.2.3"]}],"priority":"high"})"));
  BOOST_REQUIRE(submit.ok());
  BOOST_TEST(submit->items.size() == 2);
  BOOST_TEST(submit->items[1].study.reveal() == "not a uid");
  BOOST_TEST(submit->items[1].series.at(0).reveal() == "1.2.3");
  BOOST_TEST((submit->priority == messages::request_priority::high));
}

BOOST_AUTO_TEST_CASE(names_the_field_of_a_bad_requests_submit) {
  expect(parse_submit_requests, R"({})", "items");
  expect(parse_submit_requests, R"({"items":[]})", "items");
  expect(parse_submit_requests, R"({"items":[{"pacs":"a","StudyInstanceUID":"1"}],"follow":{"every_s":9}})",
         "follow.every_s");
  expect(parse_submit_requests,
         R"({"items":[{"pacs":"a","StudyInstanceUID":"1"}],"follow":{"every_s":60,"quiet_s":59}})", "follow.quiet_s");
  expect(parse_submit_requests, R"({"items":[7]})", "items[0]");
  expect(parse_submit_requests, R"({"items":[{"pacs":"a","StudyInstanceUID":"1"},{"pacs":"a"}]})",
         "items[1].StudyInstanceUID");
  expect(parse_submit_requests, R"({"items":[{"StudyInstanceUID":"1"}]})", "items[0].pacs");
  expect(parse_submit_requests, R"({"items":[{"pacs":"a","StudyInstanceUID":"1","series":"x"}]})", "items[0].series");
  expect(parse_submit_requests, R"({"items":[{"pacs":"a","StudyInstanceUID":"1"}],"priority":"urgent"})", "priority");
}

BOOST_AUTO_TEST_CASE(limits_the_items_of_a_submit) {
  json args{{"items", json::array()}};
  for (std::size_t n = 0; n < max_items_per_submit; ++n)
    args["items"].push_back({{"pacs", "a"}, {"StudyInstanceUID", "1"}});
  BOOST_TEST(parse_submit_requests(amy, args).ok());
  args["items"].push_back(args["items"][0]);
  BOOST_TEST(verdict(parse_submit_requests(amy, args)) == "items");
}

BOOST_AUTO_TEST_CASE(reads_requests_list_show_and_cancel) {
  const auto list = parse_list_requests(
      amy, object(R"({"filter":{"state":{"in":["failed"]}},"sort":[["submitted","desc"]],"limit":5000,"cursor":"c"})"));
  BOOST_REQUIRE(list.ok());
  BOOST_TEST(json::parse(list->page.filter)["state"]["in"][0] == "failed");
  BOOST_TEST(json::parse(list->page.sort)[0][1] == "desc");
  BOOST_TEST(list->page.limit == max_page);
  BOOST_TEST(list->page.cursor == "c");
  BOOST_TEST(parse_list_requests(amy, json::object())->page.limit == default_page);
  expect(parse_list_requests, R"({"filter":[]})", "filter");
  expect(parse_list_requests, R"({"sort":{}})", "sort");
  expect(parse_list_requests, R"({"limit":0})", "limit");
  expect(parse_list_requests, R"({"limit":5001})", "limit");
  BOOST_TEST(parse_show_request(amy, object(R"({"request":"12"})"))->request == 12);
  BOOST_TEST(parse_show_request(amy, object(R"({"request":12})"))->request == 12);
  expect(parse_show_request, R"({})", "request");
  expect(parse_show_request, R"({"request":"12a"})", "request");
  BOOST_TEST(parse_cancel_requests(amy, object(R"({"requests":["1",2]})"))->requests.size() == 2);
  expect(parse_cancel_requests, R"({"requests":[]})", "requests");
  expect(parse_cancel_requests, R"({"requests":["x"]})", "requests[0]");
  expect(parse_cancel_requests, R"({"requests":["-1"]})", "requests[0]");
}

BOOST_AUTO_TEST_CASE(repairs_only_with_a_check_that_is_started) {
  BOOST_TEST(!parse_check_cache(amy, object("{}"))->start);
  BOOST_TEST(parse_check_cache(amy, object(R"({"start":true,"repair":true})"))->repair);
  expect(parse_check_cache, R"({"repair":true})", "repair");
  BOOST_TEST(parse_check_cache(amy, object(R"({"run":"0a"})"))->run == "0a");
  expect(parse_check_cache, R"({"start":true,"run":"0a"})", "run");
}

BOOST_AUTO_TEST_CASE(reads_what_auditors_ask) {
  BOOST_TEST(parse_read_journal(object(R"({"filter":{"user":{"in":["amy"]}},"limit":7})"))->page.limit == 7U);
  BOOST_TEST(!parse_read_journal(object(R"({"sort":[["seq","asc"]]})")).ok());
  BOOST_TEST(parse_prove_entry(amy, object(R"({"seq":7,"old_size":3})"))->old_size == 3U);
  BOOST_TEST(parse_prove_entry(amy, object(R"({"seq":7})"))->user == amy.user);
  BOOST_TEST(parse_prove_entry(amy, object(R"({"old_size":3})"))->sequence == 0U);
  expect(parse_prove_entry, R"({})", "seq");
  expect(parse_prove_entry, R"({"seq":0})", "seq");
}

BOOST_AUTO_TEST_CASE(reads_what_administrators_ask) {
  BOOST_TEST(parse_purge_holdings(amy, object(R"({"suspended":true})"))->suspended);
  BOOST_TEST(parse_purge_holdings(amy, object(R"({"studies":["1.2"]})"))->studies.size() == 1);
  expect(parse_purge_holdings, R"({})", "studies");
  expect(parse_purge_holdings, R"({"studies":["1.2"],"suspended":true})", "studies");
  expect(parse_purge_holdings, R"({"suspended":"yes"})", "suspended");
  BOOST_TEST(parse_check_rules(amy, json::object())->toml.empty());
  expect(parse_check_rules, R"({"toml":1})", "toml");
  BOOST_TEST(parse_switch(object(R"({"pacs":"all","reason":"fire"})"))->pacs.empty());
  BOOST_TEST(parse_switch(object(R"({"pacs":"gh-rad","reason":"fire"})"))->pacs == "gh-rad");
  BOOST_TEST(!parse_switch(object(R"({"pacs":"gh-rad"})")).ok());
  BOOST_TEST(!parse_switch(object(R"({"reason":"fire"})")).ok());
  BOOST_TEST(parse_simulation(json::object())->days == 7U);
  BOOST_TEST(!parse_simulation(object(R"({"days":15})")).ok());
  BOOST_TEST(!parse_simulation(object(R"({"days":0})")).ok());
}

BOOST_AUTO_TEST_CASE(reads_what_becomes_of_requests) {
  BOOST_TEST(parse_retry_requests(amy, object(R"({"requests":[1]})"))->requests.size() == 1);
  BOOST_TEST(parse_delete_requests(amy, object(R"({"requests":[1]})"))->requests.size() == 1);
  const auto moved = parse_prioritise_requests(amy, object(R"({"requests":[1],"priority":"high"})"));
  BOOST_TEST((moved->priority == messages::request_priority::high));
  expect(parse_prioritise_requests, R"({"requests":[1]})", "priority");
  expect(parse_prioritise_requests, R"({"requests":[1],"priority":"urgent"})", "priority");
}

BOOST_AUTO_TEST_CASE(reads_cache_list_and_delete) {
  const auto list =
      parse_list_holdings(amy, object(R"({"level":"instance","StudyInstanceUID":"1.2","SeriesInstanceUID":"1.3"})"));
  BOOST_REQUIRE(list.ok());
  BOOST_TEST((list->level == messages::holding_level::instance));
  BOOST_TEST(list->series.reveal() == "1.3");
  expect(parse_list_holdings, R"({})", "ok");
  expect(parse_list_holdings, R"({"level":"series"})", "StudyInstanceUID");
  expect(parse_list_holdings, R"({"level":"patient"})", "level");
  expect(parse_list_holdings, R"({"StudyInstanceUID":"x"})", "StudyInstanceUID");
  expect(parse_delete_holdings, R"({"studies":["1.2"]})", "ok");
  expect(parse_delete_holdings, R"({})", "studies");
  expect(parse_delete_holdings, R"({"studies":["1.2","x"]})", "studies[1]");
}

BOOST_AUTO_TEST_CASE(reads_cache_facets) {
  const auto list = parse_list_facets(amy, object(R"({"filter":{"Modality":{"in":["MR"]}},"fields":["bytes"]})"));
  BOOST_REQUIRE(list.ok());
  BOOST_TEST(list->filter == R"({"Modality":{"in":["MR"]}})");
  BOOST_TEST(list->columns == std::vector<std::string>{"bytes"}, boost::test_tools::per_element());
  expect(parse_list_facets, R"({})", "ok");
  expect(parse_list_facets, R"({"fields":"bytes"})", "fields");
}

BOOST_AUTO_TEST_CASE(what_an_export_says_of_itself_can_name_nobody) {
  const auto note = parse_note_export(amy, object(R"({"download":"alz~0f-12","layout":"readable","objects":3})"));
  BOOST_REQUIRE(note.ok());
  BOOST_TEST(note->download == "alz~0f-12");
  BOOST_TEST(note->objects == 3);
  expect(parse_note_export, R"({"download":"Smith^Jane","layout":"readable","objects":3})", "download");
  expect(parse_note_export, R"({"download":"alz-1","layout":"Smith Jane","objects":3})", "layout");
  expect(parse_note_export, R"({"download":"alz-1","layout":"readable","objects":0})", "objects");
  expect(parse_note_export, R"({"layout":"readable","objects":1})", "download");
}

BOOST_AUTO_TEST_CASE(reads_download_open) {
  const auto wish = parse_download(amy, object(R"({"series":["1.2"]})"));
  BOOST_REQUIRE(wish.ok());
  BOOST_TEST(wish->command.series.at(0).reveal() == "1.2");
  BOOST_TEST((wish->key == nullptr));
  const auto again = parse_download(amy, object(R"({"resume":"d1","key":"AAECAwQFBgcICQoLDA0ODw=="})"));
  BOOST_REQUIRE(again.ok());
  BOOST_TEST(again->command.resume == "d1");
  BOOST_REQUIRE((again->key != nullptr));
  BOOST_TEST(again->key->size() == 16);
}

BOOST_AUTO_TEST_CASE(names_the_field_of_a_bad_download_open) {
  expect(parse_download, R"({})", "studies");
  expect(parse_download, R"({"studies":["1.2"],"series":["1.3"]})", "studies");
  expect(parse_download, R"({"studies":[]})", "studies");
  expect(parse_download, R"({"instances":["x"]})", "instances[0]");
  expect(parse_download, R"({"resume":"d1"})", "key");
  expect(parse_download, R"({"resume":"","key":"AAECAwQFBgcICQoLDA0ODw=="})", "studies");
  BOOST_TEST(!parse_download(amy, object(R"({"resume":"d1","key":"AAEC"})")).ok());
}

BOOST_AUTO_TEST_CASE(reads_the_id_of_a_pacs) {
  BOOST_TEST(*parse_pacs_id(object(R"({"pacs":"gh-rad"})")) == "gh-rad");
  BOOST_TEST(verdict(parse_pacs_id(object(R"({"pacs":["gh-rad"]})"))) == "pacs");
  BOOST_TEST(verdict(parse_pacs_id(object("{}"))) == "pacs");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
